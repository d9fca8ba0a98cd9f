-- The views over which an audience is compiled (the hub defines the same), see docs/audience.md.

CREATE VIEW v_member AS
SELECT m.member_key, m.member_id, m.store_id, m.sex, m.birthday_ymd, m.joined_day, m.tags, m.diseases,
       f.care, f.class, f.recency, f.frequency, f.monetary_fen, f.basket_fen, f.value_index,
       f.brand_loyal, f.price_leaning,
       f.regular, f.testing, f.severity, f.next_end_day
FROM member m LEFT JOIN figure f ON f.member_key = m.member_key
WHERE m.standing = 1 AND (m.flags & 4) = 0;

CREATE VIEW v_line AS
SELECT l.member_key, l.day, d.drug_id, d.ingredient, d.category, l.quantity_milli, l.amount_fen
FROM bought l JOIN drug d ON d.drug_key = l.drug_key;

CREATE VIEW v_reading AS
SELECT member_key, day, taken_at_ms, kind, context, systolic, diastolic, glucose_tenths
FROM reading WHERE superseded = 0;

CREATE VIEW v_contact AS
SELECT a.member_key, a.day, a.started_at_ms AS at_ms, a.channel,
       (SELECT o.outcome FROM task_outcome o WHERE o.attempt_id = a.attempt_id AND o.superseded = 0
        ORDER BY o.at_ms DESC, o.outcome_id DESC LIMIT 1) AS outcome
FROM attempt a WHERE a.result = 'answered'
UNION ALL
SELECT member_key, day, at_ms, channel, NULL AS outcome FROM send WHERE state = 'delivered';

-- The left join: a query that does not ask for the ingredient never looks it up.
CREATE VIEW medicine AS
SELECT e.member_key, i.ingredient, e.end_day, e.estimated
FROM medicine_end e LEFT JOIN ingredient i ON i.ingredient_key = e.ingredient_key;
