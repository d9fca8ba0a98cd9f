//! The columns of each kind of file, and how the chain's catalogue is taken in: stores, staff,
//! drugs, stock.
//!
//! A column that a file does not have leaves what is known as it is; a blank cell empties it.

use std::path::PathBuf;

use yaoban_domain::codes::{Code as _, Open, Role};
use yaoban_domain::model::{Drug, Staff, Stock, Store};
use yaoban_protocol::row::entity;

use super::header::{Column, may, must};
use super::records::{Cells, Kind, Outcome, Refused, take_in};
use super::refs::NOT_WRITTEN;
use super::source::Source;
use super::value::{decimal, flag};
use super::{Context, FileKind, FileReport, ImportError, members, purchases, readings};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scope::{CATALOGUE, Changes, Mark, store_scope};

/// Thousandths that a count of units may have (a million).
const UNITS_MILLI_MAX: i64 = 1_000_000_000;

const STORE_ID: Column = must(
    "store_id",
    &[
        "门店编号",
        "门店编码",
        "门店ID",
        "店号",
        "机构编码",
        "所属门店",
        "归属门店",
        "开卡门店",
        "销售门店",
    ],
);
const STORE_ID_OR_BLANK: Column = Column {
    required: false,
    ..STORE_ID
};
const DRUG_ID: Column = must(
    "drug_id",
    &[
        "商品编码",
        "商品编号",
        "商品ID",
        "药品编码",
        "药品编号",
        "药品ID",
        "货号",
    ],
);
const MEMBER_ID: Column = must(
    "member_id",
    &["会员编号", "会员编码", "会员卡号", "会员号", "会员ID", "卡号"],
);

const STORES: &[Column] = &[
    STORE_ID,
    may("name", &["门店名称", "名称", "店名"]),
    may("region", &["区域", "大区", "地区", "片区"]),
];
const STAFF: &[Column] = &[
    must(
        "staff_id",
        &["员工编号", "员工编码", "员工ID", "工号", "人员编码"],
    ),
    STORE_ID_OR_BLANK,
    may("region", &["区域", "大区", "地区", "片区"]),
    may("name", &["姓名", "员工姓名", "名称"]),
    may("role", &["角色", "岗位", "职务"]),
    may("pharmacist", &["药师", "是否药师", "执业药师"]),
    may("active", &["在职", "是否在职"]),
];
const DRUGS: &[Column] = &[
    DRUG_ID,
    may("name", &["商品名称", "药品名称", "品名", "名称", "商品名"]),
    may("ingredient", &["成分", "有效成分", "通用名", "通用名称"]),
    may("category", &["类别", "分类", "品类", "商品分类"]),
    may(
        "manufacturer",
        &["生产厂家", "生产企业", "生产厂商", "厂家", "厂商"],
    ),
    may("spec", &["规格"]),
    may("units_per_pack", &["包装数量", "包装量", "每盒数量", "装量"]),
    may("daily_units", &["日用量", "每日用量", "日剂量"]),
    may("prescription", &["处方药", "是否处方药", "处方"]),
    may("chronic", &["慢病用药", "是否慢病用药", "慢病药"]),
];
pub(super) const MEMBERS: &[Column] = &[
    MEMBER_ID,
    STORE_ID_OR_BLANK,
    may("name", &["姓名", "会员姓名", "名称"]),
    may("phone", &["手机号", "手机", "手机号码", "电话", "联系电话"]),
    may("sex", &["性别"]),
    may("birthday", &["生日", "出生日期", "出生年月日"]),
    may("joined_on", &["入会日期", "入会时间", "开卡日期", "注册日期"]),
    may("diseases", &["疾病", "慢病", "病种", "疾病史"]),
    may("allergies", &["过敏", "过敏史", "过敏药物"]),
    may("tags", &["标签", "会员标签"]),
    may("height_cm", &["身高", "身高cm", "身高(cm)"]),
    may("weight_kg", &["体重", "体重kg", "体重(kg)"]),
    may("consents", &["授权", "同意", "知情同意", "授权同意"]),
];
pub(super) const PURCHASES: &[Column] = &[
    must(
        "line_id",
        &[
            "流水号",
            "明细编号",
            "明细流水号",
            "销售明细号",
            "小票行号",
            "行号",
        ],
    ),
    MEMBER_ID,
    STORE_ID_OR_BLANK,
    must(
        "sold_at",
        &[
            "销售时间",
            "销售日期",
            "交易时间",
            "交易日期",
            "购买时间",
            "购买日期",
        ],
    ),
    Column {
        required: false,
        ..DRUG_ID
    },
    may("quantity", &["数量", "销售数量"]),
    must(
        "amount",
        &["金额", "实收金额", "销售金额", "成交金额", "实付金额"],
    ),
    may("cost", &["成本", "成本金额"]),
];
pub(super) const READINGS: &[Column] = &[
    must("reading_id", &["检测编号", "测量编号", "记录编号", "检测流水号"]),
    MEMBER_ID,
    must("taken_at", &["检测时间", "检测日期", "测量时间", "测量日期"]),
    may("kind", &["类型", "检测类型", "检测项目", "项目"]),
    may("systolic", &["收缩压", "高压"]),
    may("diastolic", &["舒张压", "低压"]),
    may("glucose", &["血糖", "血糖值"]),
    may("context", &["场景", "测量场景", "检测场景", "状态"]),
];
const STOCK: &[Column] = &[
    STORE_ID,
    DRUG_ID,
    must("units", &["库存", "库存数量", "库存量", "数量"]),
];

impl FileKind {
    /// The stable word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stores => "stores",
            Self::Staff => "staff",
            Self::Drugs => "drugs",
            Self::Members => "members",
            Self::Purchases => "purchases",
            Self::Readings => "readings",
            Self::Stock => "stock",
        }
    }

    /// The columns that a file of this kind may have.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Stores => STORES,
            Self::Staff => STAFF,
            Self::Drugs => DRUGS,
            Self::Members => MEMBERS,
            Self::Purchases => PURCHASES,
            Self::Readings => READINGS,
            Self::Stock => STOCK,
        }
    }

    pub(super) fn take_in(
        self,
        context: &mut Context<'_>,
        source: &Source,
        rejects: PathBuf,
    ) -> Result<FileReport, ImportError> {
        match self {
            Self::Stores => take_in(Stores, context, source, rejects),
            Self::Staff => take_in(StaffRows, context, source, rejects),
            Self::Drugs => take_in(Drugs, context, source, rejects),
            Self::Members => take_in(members::Members, context, source, rejects),
            Self::Purchases => purchases::take_in(context, source, rejects),
            Self::Readings => readings::take_in_readings(context, source, rejects),
            Self::Stock => take_in(StockRows, context, source, rejects),
        }
    }
}

/// A cell of a column that may be missing: none = the file says nothing about it.
pub(super) type Told<T> = Option<T>;

/// Reads a cell if the file has its column.
pub(super) fn told<T>(
    cells: &Cells<'_>,
    column: usize,
    read: impl FnOnce() -> Result<T, String>,
) -> Result<Told<T>, String> {
    if cells.has(column) {
        read().map(Some)
    } else {
        Ok(None)
    }
}

/// Sets a field that the file tells.
pub(super) fn set<T>(field: &mut T, value: Told<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

pub(super) fn text_or_blank(cells: &Cells<'_>, column: usize) -> Result<String, String> {
    Ok(cells.optional(column)?.unwrap_or_default())
}

fn unchanged_or<T: PartialEq>(
    before: Option<&T>,
    after: &T,
    write: bool,
    put: impl FnOnce() -> Result<(), Refused>,
) -> Result<Outcome, Refused> {
    if before == Some(after) {
        return Ok(Outcome::Unchanged);
    }
    if write {
        put()?;
    }
    Ok(Outcome::Accepted)
}

struct Stores;

#[derive(Hash)]
struct StoreRow {
    id: String,
    name: Told<String>,
    region: Told<Option<String>>,
}

impl Kind for Stores {
    type Row = StoreRow;
    const KIND: FileKind = FileKind::Stores;

    fn read(&self, cells: &Cells<'_>, _: &Context<'_>) -> Result<StoreRow, String> {
        Ok(StoreRow {
            id: cells.id(0)?,
            name: told(cells, 1, || text_or_blank(cells, 1))?,
            region: told(cells, 2, || cells.optional(2))?,
        })
    }

    fn id(row: &StoreRow) -> String {
        row.id.clone()
    }

    fn take(
        &self,
        row: StoreRow,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let before = tx.store(&row.id)?;
        let mut store = before.clone().unwrap_or_else(|| Store {
            id: row.id,
            name: String::new(),
            region: None,
        });
        set(&mut store.name, row.name);
        set(&mut store.region, row.region);
        if store.name.is_empty() {
            store.name.clone_from(&store.id);
        }
        let outcome = unchanged_or(before.as_ref(), &store, write, || {
            tx.put_store(&store)?;
            changes.add(&store_scope(&store.id), entity::STORE, &store.id, Mark::Put);
            Ok(())
        })?;
        let key = tx.store_key(&store.id)?.unwrap_or(NOT_WRITTEN);
        context.refs.stores.insert(store.id.as_bytes(), key);
        Ok(outcome)
    }
}

struct StaffRows;

#[derive(Hash)]
struct StaffRow {
    id: String,
    store_id: Told<Option<String>>,
    region: Told<Option<String>>,
    name: Told<String>,
    role: Told<Option<Role>>,
    pharmacist: Told<Option<bool>>,
    is_pharmacist_role: bool,
    active: Told<Option<bool>>,
}

/// A role by its code or its Chinese name.
fn role(word: &str) -> Option<Role> {
    Role::from_code(&word.to_ascii_lowercase()).or(match word {
        "店员" | "药师" | "营业员" => Some(Role::Clerk),
        "店长" => Some(Role::StoreManager),
        "区域经理" => Some(Role::RegionManager),
        "总部" | "管理员" => Some(Role::Admin),
        _ => None,
    })
}

impl Kind for StaffRows {
    type Row = StaffRow;
    const KIND: FileKind = FileKind::Staff;

    fn read(&self, cells: &Cells<'_>, context: &Context<'_>) -> Result<StaffRow, String> {
        let word = cells.optional(4)?;
        let role = match &word {
            None => None,
            Some(word) => Some(role(word).ok_or_else(|| {
                cells.refuse(
                    4,
                    "is unknown, expected clerk, store_manager, region_manager or admin",
                )
            })?),
        };
        let store_id = told(cells, 1, || cells.optional_id(1))?;
        known_store(store_id.as_ref().and_then(Option::as_deref), context)?;
        Ok(StaffRow {
            id: cells.id(0)?,
            store_id,
            region: told(cells, 2, || cells.optional(2))?,
            name: told(cells, 3, || text_or_blank(cells, 3))?,
            role: told(cells, 4, || Ok(role))?,
            pharmacist: told(cells, 5, || cells.value(5, flag))?,
            is_pharmacist_role: word.as_deref() == Some("药师"),
            active: told(cells, 6, || cells.value(6, flag))?,
        })
    }

    fn id(row: &StaffRow) -> String {
        row.id.clone()
    }

    fn take(
        &self,
        row: StaffRow,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let today = context.today();
        let before = tx.staff(&row.id)?;
        let mut staff = before.clone().unwrap_or_else(|| Staff {
            id: row.id,
            store_id: None,
            region: None,
            name: String::new(),
            role: Role::Clerk.into(),
            pharmacist: false,
            active: true,
            off_on: None,
        });
        set(&mut staff.store_id, row.store_id);
        set(&mut staff.region, row.region);
        set(&mut staff.name, row.name);
        if let Some(role) = row.role {
            staff.role = Open::Known(role.unwrap_or(Role::Clerk));
        }
        if let Some(pharmacist) = row.pharmacist {
            staff.pharmacist = pharmacist.unwrap_or(false);
        }
        if let Some(active) = row.active {
            staff.active = active.unwrap_or(true);
        }
        staff.pharmacist |= row.is_pharmacist_role && row.pharmacist.flatten().is_none();
        if staff.name.is_empty() {
            staff.name.clone_from(&staff.id);
        }
        unchanged_or(before.as_ref(), &staff, write, || {
            tx.put_staff(&staff)?;
            if let Some(before) = before.as_ref().filter(|before| has_other_rights(before, &staff)) {
                tx.staff_changed(before, context.clock.now_ms())?;
            }
            let old_store = before.as_ref().and_then(|before| before.store_id.as_deref());
            if let Some(old) = old_store.filter(|old| Some(*old) != staff.store_id.as_deref()) {
                changes.add(
                    &store_scope(old),
                    entity::STAFF,
                    &staff.id,
                    Mark::Evict { day: today },
                );
            }
            if let Some(store_id) = &staff.store_id {
                changes.add(&store_scope(store_id), entity::STAFF, &staff.id, Mark::Put);
            }
            Ok(())
        })
    }
}

fn has_other_rights(one: &Staff, other: &Staff) -> bool {
    let rights = |staff: &Staff| (staff.store_id.clone(), staff.role.clone(), staff.active);
    rights(one) != rights(other)
}

/// A store that is named must be known.
pub(super) fn known_store(store_id: Option<&str>, context: &Context<'_>) -> Result<(), String> {
    match store_id {
        Some(id) if context.refs.stores.get(id.as_bytes()).is_none() => Err(format!("unknown store `{id}`")),
        _ => Ok(()),
    }
}

struct Drugs;

#[derive(Hash)]
struct DrugRow {
    id: String,
    name: Told<String>,
    texts: [Told<Option<String>>; 4],
    units_per_pack_milli: Told<Option<i64>>,
    daily_units_milli: Told<Option<i64>>,
    prescription: Told<Option<bool>>,
    chronic: Told<Option<bool>>,
}

/// Units above 0 in thousandths.
fn units(cell: &[u8]) -> Result<i64, &'static str> {
    match decimal(cell, 3, UNITS_MILLI_MAX)? {
        units if units > 0 => Ok(units),
        _ => Err("must be above 0"),
    }
}

impl Kind for Drugs {
    type Row = DrugRow;
    const KIND: FileKind = FileKind::Drugs;

    fn read(&self, cells: &Cells<'_>, _: &Context<'_>) -> Result<DrugRow, String> {
        let text = |column| told(cells, column, || cells.optional(column));
        Ok(DrugRow {
            id: cells.id(0)?,
            name: told(cells, 1, || text_or_blank(cells, 1))?,
            texts: [text(2)?, text(3)?, text(4)?, text(5)?],
            units_per_pack_milli: told(cells, 6, || cells.value(6, units))?,
            daily_units_milli: told(cells, 7, || cells.value(7, units))?,
            prescription: told(cells, 8, || cells.value(8, flag))?,
            chronic: told(cells, 9, || cells.value(9, flag))?,
        })
    }

    fn id(row: &DrugRow) -> String {
        row.id.clone()
    }

    fn take(
        &self,
        row: DrugRow,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let before = tx.drug(&row.id)?;
        let mut drug = before.clone().unwrap_or_else(|| Drug {
            id: row.id,
            name: String::new(),
            ingredient: None,
            category: None,
            manufacturer: None,
            spec: None,
            units_per_pack_milli: None,
            daily_units_milli: None,
            prescription: false,
            chronic: false,
        });
        let [ingredient, category, manufacturer, spec] = row.texts;
        set(&mut drug.name, row.name);
        set(&mut drug.ingredient, ingredient);
        set(&mut drug.category, category);
        set(&mut drug.manufacturer, manufacturer);
        set(&mut drug.spec, spec);
        set(&mut drug.units_per_pack_milli, row.units_per_pack_milli);
        set(&mut drug.daily_units_milli, row.daily_units_milli);
        set(
            &mut drug.prescription,
            row.prescription.map(Option::unwrap_or_default),
        );
        set(&mut drug.chronic, row.chronic.map(Option::unwrap_or_default));
        if drug.name.is_empty() {
            drug.name.clone_from(&drug.id);
        }
        let outcome = unchanged_or(before.as_ref(), &drug, write, || {
            tx.put_drug(&drug)?;
            changes.add(CATALOGUE, entity::DRUG, &drug.id, Mark::Put);
            Ok(())
        })?;
        let key = tx.drug_key(&drug.id)?.unwrap_or(NOT_WRITTEN);
        context.refs.drugs.insert(drug.id.as_bytes(), key);
        context.refs.ingredients.extend(drug.ingredient);
        Ok(outcome)
    }
}

struct StockRows;

#[derive(Hash)]
struct StockRow {
    store_id: String,
    drug_id: String,
    units_milli: i64,
}

impl Kind for StockRows {
    type Row = StockRow;
    const KIND: FileKind = FileKind::Stock;

    fn read(&self, cells: &Cells<'_>, context: &Context<'_>) -> Result<StockRow, String> {
        let (store_id, drug_id) = (cells.id(0)?, cells.id(1)?);
        known_store(Some(&store_id), context)?;
        if context.refs.drugs.get(drug_id.as_bytes()).is_none() {
            return Err(format!("unknown drug `{drug_id}`"));
        }
        let units_milli = cells
            .value(2, |cell| decimal(cell, 3, UNITS_MILLI_MAX))?
            .ok_or_else(|| cells.refuse(2, "is blank"))?;
        if units_milli < 0 {
            return Err(cells.refuse(2, "must not be negative"));
        }
        Ok(StockRow {
            store_id,
            drug_id,
            units_milli,
        })
    }

    fn id(row: &StockRow) -> String {
        format!("{} {}", row.store_id, row.drug_id)
    }

    fn take(
        &self,
        row: StockRow,
        tx: &Tx<'_>,
        _: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let before = tx.stock(&row.store_id, &row.drug_id)?;
        let stock = Stock {
            drug_id: row.drug_id,
            units_milli: row.units_milli,
        };
        unchanged_or(before.as_ref(), &stock, write, || {
            tx.put_stock(&row.store_id, &stock)?;
            changes.add(
                &store_scope(&row.store_id),
                entity::STOCK,
                &stock.drug_id,
                Mark::Put,
            );
            Ok(())
        })
    }
}
