INSERT INTO member (
    member_id, store_id, name, phone, phone_invalid, sex, birthday_ymd, joined_day, tags, diseases,
    allergies, consents, regimens, height_cm, weight_hg, paused_until_day, do_not_contact, deceased,
    erased, ask_number, aliases, version
) VALUES (
    :member_id, :store_id, :name, :phone, :phone_invalid, :sex, :birthday_ymd, :joined_day, :tags,
    :diseases, :allergies, :consents, :regimens, :height_cm, :weight_hg, :paused_until_day,
    :do_not_contact, :deceased, :erased, :ask_number, :aliases, :version
)
ON CONFLICT (member_id) DO UPDATE SET
    store_id = excluded.store_id,
    name = excluded.name,
    phone = excluded.phone,
    phone_invalid = excluded.phone_invalid,
    sex = excluded.sex,
    birthday_ymd = excluded.birthday_ymd,
    joined_day = excluded.joined_day,
    tags = excluded.tags,
    diseases = excluded.diseases,
    allergies = excluded.allergies,
    consents = excluded.consents,
    regimens = excluded.regimens,
    height_cm = excluded.height_cm,
    weight_hg = excluded.weight_hg,
    paused_until_day = excluded.paused_until_day,
    do_not_contact = excluded.do_not_contact,
    deceased = excluded.deceased,
    erased = excluded.erased,
    ask_number = excluded.ask_number,
    aliases = excluded.aliases,
    version = excluded.version
