//! Every number of the domain, as versioned data.
//!
//! [`Rules::default`] is the specification's table. A chain changes single numbers in its
//! configuration; the result travels to the phones, so both ends decide by the same copy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The numbers by section of the specification.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Rises when a chain changes a number; 0 = the defaults.
    pub version: u64,
    /// Name of the chain's time zone, for example `Asia/Shanghai`.
    pub time_zone: TimeZone,
    /// Section 1, member classes.
    pub class: ClassRules,
    /// Section 2, health thresholds.
    pub health: HealthRules,
    /// Section 3, medicines.
    pub medicine: MedicineRules,
    /// Section 4, tasks.
    pub task: TaskRules,
    /// Section 5, the contact gate.
    pub gate: GateRules,
    /// Section 6, effect of a campaign.
    pub effect: EffectRules,
    /// Section 7, roles and devices.
    pub device: DeviceRules,
    /// Section 8, leanings.
    pub leaning: LeaningRules,
    /// Recordings of calls.
    pub recording: RecordingRules,
}

/// A time zone by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeZone(pub String);

impl Default for TimeZone {
    fn default() -> Self {
        Self("Asia/Shanghai".to_owned())
    }
}

macro_rules! numbers {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty = $value:expr),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty),+ }

        impl Default for $name {
            fn default() -> Self { Self { $($field: $value),+ } }
        }
    };
}

numbers! {
    /// Section 1: H-RFM.
    ClassRules {
        /// Window of frequency and monetary, ending with and including `as_of`.
        window_days: i64 = 365,
        /// Health need: chronic diagnoses, a point each, count at most so many points.
        disease_points_max: i64 = 2,
        /// Health need: points for blood pressure of grade 1, 2, 3.
        bp_points: [i64; 3] = [1, 2, 3],
        /// Health need: points for glucose above target.
        glucose_above_target_points: i64 = 1,
        /// Health need: points for glucose at an emergency value.
        glucose_emergency_points: i64 = 3,
        /// Health need: points for a BMI out of range.
        bmi_points: i64 = 1,
        /// Health need: all points together count at most so many.
        need_points_max: i64 = 4,
        /// A reading older than this says nothing about the health need.
        reading_age_days_max: i64 = 180,
        /// `recent`: score of recency at least.
        recent_score_min: i64 = 3,
        /// `frequent`: score of frequency at least.
        frequent_score_min: i64 = 4,
        /// `big`: score of monetary at least.
        big_score_min: i64 = 4,
        /// Health need from which a class is lifted by one step.
        lift_health_min: i64 = 4,
        /// Weights of the value index: recency, frequency, monetary, health; together 100.
        value_weights: [i64; 4] = [20, 25, 40, 15],
        /// BMI from which a point is added, in tenths.
        bmi_high_tenths: i64 = 280,
        /// BMI below which a point is added, in tenths.
        bmi_low_tenths: i64 = 185,
        /// Fills of a chronic ingredient that make a member chronic.
        chronic_fills_min: usize = 2,
        /// Days within which those fills lie.
        chronic_fill_days: i64 = 180,
        /// Readings on different days that make a member chronic.
        chronic_readings_min: usize = 2,
        /// Days within which those readings lie.
        chronic_reading_days: i64 = 365,
    }
}

numbers! {
    /// Section 2: health thresholds. Pressures in mmHg, glucose in tenths of mmol/L.
    HealthRules {
        /// High-normal from systolic or diastolic.
        bp_high_normal: (u16, u16) = (120, 80),
        /// Grade 1 from systolic or diastolic, office.
        bp_grade1: (u16, u16) = (140, 90),
        /// Grade 1 from systolic or diastolic, home.
        bp_home_grade1: (u16, u16) = (135, 85),
        /// Grade 2 from systolic or diastolic.
        bp_grade2: (u16, u16) = (160, 100),
        /// Grade 3, and emergency, from systolic or diastolic.
        bp_grade3: (u16, u16) = (180, 110),
        /// Target below these.
        bp_target: (u16, u16) = (140, 90),
        /// Target for diabetics below these.
        bp_target_diabetic: (u16, u16) = (130, 80),
        /// Fasting target from.
        glucose_target_low: u16 = 44,
        /// Fasting target up to and including.
        glucose_target_fasting_high: u16 = 70,
        /// Target otherwise below.
        glucose_target_other_high: u16 = 100,
        /// Fasting high-normal from.
        glucose_high_normal_fasting: u16 = 61,
        /// Fasting diabetes range from.
        glucose_diabetes_fasting: u16 = 70,
        /// Diabetes range otherwise from.
        glucose_diabetes_other: u16 = 111,
        /// Low, and emergency, below.
        glucose_low: u16 = 39,
        /// Emergency from.
        glucose_emergency: u16 = 167,
        /// mg/dL in one mmol/L.
        mg_dl_per_mmol: f64 = 18.0182,
        /// A reading raises an alarm only within this many hours.
        emergency_hours: i64 = 24,
        /// Possible systolic values, inclusive.
        systolic_range: (u16, u16) = (40, 300),
        /// Possible diastolic values, inclusive.
        diastolic_range: (u16, u16) = (20, 200),
        /// Possible glucose values, inclusive, in tenths.
        glucose_range: (u16, u16) = (6, 500),
    }
}

numbers! {
    /// Section 3: run-out and adherence.
    MedicineRules {
        /// Running low: stock ends within this many days.
        low_days: i64 = 7,
        /// Out, until this many days after the end; then lapsed.
        out_days_max: i64 = 60,
        /// Days before the end on which a reminder goes out.
        reminder_days_before: Vec<i64> = vec![7, 3, 0],
        /// Days after the end on which a clerk's task is made.
        task_days_after: i64 = 3,
        /// Fill days looked at for an estimate.
        estimate_fill_days: usize = 6,
        /// Gaps that an estimate needs.
        estimate_gaps_min: usize = 3,
        /// Period of PDC.
        pdc_days: i64 = 365,
        /// PDC needs a first fill at least this many days ago.
        pdc_first_fill_days_min: i64 = 91,
        /// PDC needs fills on this many days.
        pdc_fill_days_min: usize = 2,
        /// Adherent from this share, in per cent.
        adherent_percent: i64 = 80,
    }
}

numbers! {
    /// Section 4: tasks, calls and outcomes.
    TaskRules {
        /// Attempts after which a task expires.
        attempts_max: u32 = 3,
        /// Parts of the day by hour: [from, to).
        day_parts: [(u32, u32); 3] = [(9, 12), (12, 17), (17, 20)],
        /// A visit may be agreed at most this many days ahead.
        visit_days_max: i64 = 30,
        /// Days after a missed visit on which the task returns.
        visit_return_days: i64 = 1,
        /// Days until a call back if no time is chosen.
        call_later_days: i64 = 7,
        /// Days that a task which comes back stays on the list at least.
        return_days: i64 = 3,
        /// Farthest day ahead to which anything may be put off.
        defer_days_max: i64 = 366,
        /// Further outcomes kept with a task.
        other_outcomes_max: usize = 50,
        /// All contact pauses this many days for a member in hospital.
        hospital_pause_days: i64 = 30,
        /// Seconds in which an outcome can be taken back.
        take_back_seconds: i64 = 10,
        /// Days that a task for a medicine that ran out stays on the list after its first.
        run_out_due_days: i64 = 14,
    }
}

numbers! {
    /// Section 5: the contact gate.
    GateRules {
        /// Allowed hours: [from, to).
        hours: (u32, u32) = (9, 20),
        /// How far a chain may widen them.
        hours_widest: (u32, u32) = (8, 21),
        /// Public holidays without contact.
        holidays: Vec<chrono::NaiveDate> = Vec::new(),
        /// Marketing contacts allowed within so many days: (days, contacts).
        marketing_caps: Vec<(i64, u32)> = vec![(1, 1), (7, 2), (30, 4)],
        /// Service messages a day.
        service_messages_a_day: u32 = 1,
        /// Dials to one number a day.
        dials_a_day: u32 = 3,
        /// Whole replies that opt out (compared without case and surrounding space).
        opt_out_replies: Vec<String> = ["R", "T", "TD", "退订", "拒收"].map(str::to_owned).to_vec(),
        /// Opt-out words, one of which a marketing text carries.
        opt_out_words: Vec<String> = ["拒收请回复R", "退订回T", "回T退订", "退订", "拒收"].map(str::to_owned).to_vec(),
        /// Words about price and coupons that no promotional text may carry.
        price_words: Vec<String> =
            ["特价", "优惠", "券", "满减", "降价", "免费", "打折", "折扣", "折起", "¥", "￥"].map(str::to_owned).to_vec(),
        /// Units that make a price of the number before them (骨折 and 元旦 are none).
        price_units: Vec<String> = ["元", "块钱", "折"].map(str::to_owned).to_vec(),
        /// Words about efficacy that no promotional text may carry.
        efficacy_words: Vec<String> =
            ["疗效", "根治", "治愈", "有效率", "特效", "药到病除", "无副作用", "安全无毒"].map(str::to_owned).to_vec(),
    }
}

numbers! {
    /// Section 6: effect of a campaign.
    EffectRules {
        /// Share of members held out, in per cent.
        holdout_percent: u32 = 10,
        /// Days from the assignment in which purchases count.
        window_days: i64 = 30,
        /// Quantile of the normal distribution for a 95 % interval.
        z: f64 = 1.959_963_984_540_054,
    }
}

numbers! {
    /// Section 7: roles and devices.
    DeviceRules {
        /// The lock falls after so many minutes.
        lock_minutes: u32 = 15,
        /// The same for single stores, by store id.
        lock_minutes_by_store: BTreeMap<String, u32> = BTreeMap::new(),
        /// Range that a store may choose from.
        lock_minutes_range: (u32, u32) = (1, 60),
        /// Wrong PINs after which nobody can try for a while.
        pin_misses_max: u32 = 5,
        /// Minutes of that while.
        pin_block_minutes: u32 = 20,
        /// Members that a released figure must cover.
        k_anonymity: u32 = 10,
    }
}

impl DeviceRules {
    /// Minutes after which the lock falls in a store: its own or the chain's, within the range.
    pub fn lock_minutes_of(&self, store_id: &str) -> u32 {
        let (least, most) = self.lock_minutes_range;
        let own = self.lock_minutes_by_store.get(store_id);
        // A range the wrong way round is a slip of configuration, never a lock that does not fall.
        (*own.unwrap_or(&self.lock_minutes)).max(least).min(most.max(1))
    }
}

numbers! {
    /// Section 8: leanings.
    LeaningRules {
        /// Purchases of the window below which nothing is said.
        purchases_min: usize = 4,
        /// Share of one manufacturer that makes a member brand loyal, in per cent.
        brand_percent: i64 = 80,
        /// Mean price rank up to which a member is price minded, in per cent.
        price_minded_percent_max: i64 = 33,
        /// Mean price rank from which a member is quality minded, in per cent.
        quality_minded_percent_min: i64 = 67,
        /// Coefficient of variation of the gaps up to which the rhythm is regular, in per cent.
        regular_cv_percent_max: i64 = 35,
        /// Gaps that a rhythm needs.
        regular_gaps_min: usize = 4,
        /// Days in which readings count as testing.
        testing_days: i64 = 90,
        /// Readings from which testing is frequent.
        testing_frequent_min: usize = 3,
    }
}

numbers! {
    /// Recordings of calls: how large, how many, how long.
    RecordingRules {
        /// Bytes of one recording at most.
        bytes_max: u64 = 50_000_000,
        /// Bytes of all recordings on a phone at most.
        phone_bytes_max: u64 = 500_000_000,
        /// Bytes of all recordings of a store at the hub at most.
        store_bytes_max: u64 = 20_000_000_000,
        /// Days after the call on which a recording is deleted, on the phone and at the hub.
        retention_days: i64 = 180,
        /// Days for which a phone keeps what the hub has, in case the hub comes back from a backup.
        phone_keep_days: i64 = 35,
    }
}
