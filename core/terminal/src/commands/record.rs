//! What a clerk changes in a member's record: fields of the profile, tags, regimens.

use yaoban_clerk_core::facade::members::{NewRegimen, ProfileFields};
use yaoban_clerk_core::facade::profile::{Profile, RegimenRow};
use yaoban_domain::codes::{Open, Sex};
use yaoban_domain::model::Allergy;

use super::Session;
use super::profile::{disease, medicine_end};
use crate::cli::{EditArgs, RegimenArgs, TagArgs};
use crate::failure::Failure;
use crate::input;
use crate::layout::Table;
use crate::screen::{Screen, decimal};

pub fn tag(session: &Session<'_>, args: &TagArgs) -> Result<String, Failure> {
    let member = session.member(&args.member)?;
    if !args.tags.is_empty() || !args.remove.is_empty() {
        let has = session.app.profile(&member.member_id)?.tags;
        if let Some(unknown) = args.remove.iter().find(|tag| !has.contains(tag)) {
            return Err(not_there("tag", unknown, &has));
        }
        session.app.tag(&member.member_id, &args.tags, &args.remove)?;
    }
    let tags = session.app.profile(&member.member_id)?.tags;
    session.print(&tags, |screen, tags| {
        if tags.is_empty() {
            screen.say("tag.none", &[("name", &member.name)]);
        } else {
            screen.say("tag.of", &[("name", &member.name), ("tags", &tags.join("、"))]);
        }
    })
}

pub fn regimen(session: &Session<'_>, args: &RegimenArgs) -> Result<String, Failure> {
    let member = session.member(&args.member)?;
    let mut done = false;
    if let Some(ingredient) = &args.ingredient {
        let until = args.until.as_deref();
        let new = NewRegimen {
            ingredient: ingredient_of(session, &member.member_id, ingredient)?,
            daily_units_milli: match args.daily.as_deref() {
                Some(text) => session.app.typed_units(text)?,
                None => None,
            },
            stock_until: until.map(|text| input::date(text, session.today)).transpose()?,
            inactive: args.stopped,
        };
        if new.daily_units_milli.is_none() && new.stock_until.is_none() && !new.inactive {
            return Err(Failure::refused("input.regimen", []));
        }
        session.app.set_regimen(&member.member_id, &new)?;
        done = true;
    }
    let profile = session.app.profile(&member.member_id)?;
    let record = serde_json::json!({ "regimens": profile.regimens, "medicines": profile.medicines });
    session.print(&record, |screen, _| {
        if done {
            screen.say("regimen.done", &[("name", &member.name)]);
        }
        show_regimens(screen, &profile);
    })
}

/// The ingredient that the member takes: by its name, a part of it, or the name of the drug bought
/// last. One that it never bought is taken as it is written.
fn ingredient_of(session: &Session<'_>, member_id: &str, text: &str) -> Result<String, Failure> {
    let medicines = session.app.profile(member_id)?.medicines;
    if medicines.iter().any(|medicine| medicine.ingredient == text) {
        return Ok(text.to_owned());
    }
    let fits = medicines.iter().filter(|medicine| {
        let drug = medicine.drug_name.as_deref().unwrap_or_default();
        medicine.ingredient.contains(text) || drug.contains(text)
    });
    let fits: Vec<&str> = fits.map(|medicine| medicine.ingredient.as_str()).collect();
    match fits.as_slice() {
        [] => Ok(text.to_owned()),
        [one] => Ok((*one).to_owned()),
        _ => Err(Failure::refused(
            "several_medicines",
            [("text", text), ("names", fits.join("、").as_str())],
        )),
    }
}

fn show_regimens(screen: &mut Screen<'_>, profile: &Profile) {
    let mut table = Table::default();
    for medicine in &profile.medicines {
        let regimen = profile
            .regimens
            .iter()
            .find(|regimen| regimen.ingredient == medicine.ingredient);
        let dose = regimen.map(|regimen| dose(screen, regimen)).unwrap_or_default();
        table.row([medicine.ingredient.clone(), medicine_end(screen, medicine), dose]);
    }
    let bought = |regimen: &&RegimenRow| {
        profile
            .medicines
            .iter()
            .any(|medicine| medicine.ingredient == regimen.ingredient)
    };
    for regimen in profile.regimens.iter().filter(|regimen| !bought(regimen)) {
        let end = if regimen.inactive {
            screen.texts.get("show.inactive").to_owned()
        } else {
            screen.texts.get("regimen.not_bought").to_owned()
        };
        table.row([regimen.ingredient.clone(), end, dose(screen, regimen)]);
    }
    screen.table(&table);
    if profile.medicines.is_empty() && profile.regimens.is_empty() {
        screen.say("regimen.none", &[("name", &profile.member.name)]);
    }
    screen.next("regimen.next", &[]);
}

/// What was recorded beside the drug's own dose.
fn dose(screen: &Screen<'_>, regimen: &RegimenRow) -> String {
    let texts = screen.texts;
    let daily = regimen
        .daily_units_milli
        .map(|milli| texts.fill("regimen.daily", &[("units", &decimal(milli))]));
    let until = regimen
        .stock_until
        .map(|day| texts.fill("regimen.until", &[("day", &screen.date(day))]));
    daily.into_iter().chain(until).collect::<Vec<_>>().join(" · ")
}

pub fn edit(session: &Session<'_>, args: &EditArgs) -> Result<String, Failure> {
    let member = session.member(&args.member)?;
    let before = session.app.profile(&member.member_id)?;
    let edit = fields(session, args, &before)?;
    let changes = edit != ProfileFields::default();
    if changes {
        session.app.edit_member(&member.member_id, edit)?;
    }
    let profile = session.app.profile(&member.member_id)?;
    session.print(&profile, |screen, profile| {
        if changes {
            screen.say("edit.done", &[("name", &profile.member.name)]);
        }
        show_fields(screen, profile);
        if !changes {
            screen.next("edit.next", &[]);
        }
    })
}

/// What is to be changed. Diseases and allergies are added to and taken from, never replaced: a
/// forgotten one would be lost.
fn fields(session: &Session<'_>, args: &EditArgs, before: &Profile) -> Result<ProfileFields, Failure> {
    let texts = session.texts;
    let sex = args
        .sex
        .as_deref()
        .map(|sex| input::code::<Sex>(texts, "sex", sex));
    let phone = if args.no_phone {
        Some(String::new())
    } else {
        args.phone.clone()
    };
    Ok(ProfileFields {
        name: args.name.clone(),
        phone,
        sex: sex.transpose()?.map(Open::from),
        birthday: args.birthday.as_deref().map(input::birthday).transpose()?,
        diseases: diseases(args, before)?,
        allergies: allergies(args, before)?,
        height_cm: args.height,
        weight_hg: args.weight.as_deref().map(input::weight).transpose()?,
    })
}

fn diseases(args: &EditArgs, before: &Profile) -> Result<Option<Vec<String>>, Failure> {
    if args.diseases.is_empty() && args.not_diseases.is_empty() {
        return Ok(None);
    }
    let mut codes = before.diseases.clone();
    for word in &args.not_diseases {
        let code = yaoban_domain::disease::find(word).map_or(word.as_str(), |disease| disease.code);
        take_out(&mut codes, "disease", word, |known| known == code, Clone::clone)?;
    }
    codes.extend(args.diseases.iter().cloned());
    Ok(Some(codes))
}

fn allergies(args: &EditArgs, before: &Profile) -> Result<Option<Vec<Allergy>>, Failure> {
    if args.allergies.is_empty() && args.not_allergies.is_empty() {
        return Ok(None);
    }
    let known = before.allergies.iter().map(|allergy| Allergy {
        text: allergy.text.clone(),
        ingredients: allergy.ingredients.clone(),
    });
    let mut allergies: Vec<Allergy> = known.collect();
    for word in &args.not_allergies {
        let is_it = |allergy: &Allergy| allergy.text == *word;
        take_out(&mut allergies, "allergy", word, is_it, |allergy| {
            allergy.text.clone()
        })?;
    }
    for text in args.allergies.iter().map(|text| text.trim()) {
        if !allergies.iter().any(|allergy| allergy.text == text) {
            allergies.push(Allergy {
                text: text.to_owned(),
                ingredients: Vec::new(),
            });
        }
    }
    Ok(Some(allergies))
}

/// Takes one out of a list; one that is not in it is a mistake to be told.
fn take_out<T>(
    list: &mut Vec<T>,
    what: &str,
    word: &str,
    is_it: impl Fn(&T) -> bool,
    name: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    let place = list.iter().position(is_it);
    let place = place.ok_or_else(|| not_there(what, word, &list.iter().map(name).collect::<Vec<_>>()))?;
    list.remove(place);
    Ok(())
}

fn not_there(what: &str, word: &str, has: &[String]) -> Failure {
    Failure::refused(
        "not_recorded",
        [
            ("recorded", what),
            ("text", word),
            ("names", has.join("、").as_str()),
        ],
    )
}

/// The fields that can be changed, one below the other.
fn show_fields(screen: &mut Screen<'_>, profile: &Profile) {
    let texts = screen.texts;
    let (none, member) = (texts.get("none"), &profile.member);
    let number = |value: Option<String>| value.unwrap_or_else(|| none.to_owned());
    let words = |words: Vec<String>| {
        if words.is_empty() {
            none.to_owned()
        } else {
            words.join("、")
        }
    };
    let allergies = profile.allergies.iter().map(|allergy| allergy.text.clone());
    let diseases = profile.diseases.iter().map(|code| disease(screen, code));
    let rows = [
        ("allergies", words(allergies.collect())),
        ("name", member.name.clone()),
        ("phone", number(member.phone_masked.clone())),
        ("sex", screen.code_or_none("sex", member.sex.as_deref())),
        ("birthday", number(profile.birthday.map(|day| day.to_string()))),
        ("diseases", words(diseases.collect())),
        (
            "height_cm",
            number(profile.height_cm.map(|cm| format!("{cm} cm"))),
        ),
        (
            "weight_hg",
            number(
                profile
                    .weight_hg
                    .map(|hg| format!("{} kg", crate::screen::tenths(hg))),
            ),
        ),
    ];
    let mut table = Table::default();
    for (field, value) in rows {
        table.row([texts.code("field", field).to_owned(), value]);
    }
    screen.table(&table);
}
