//! The command line. Help comes from the catalogue: `help.<command>` and `help.<command>.<argument>`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, value_parser};

use crate::text::{Language, Texts};

/// The terminal phone.
#[derive(Debug, Parser)]
#[command(
    name = "yaoban-clerk",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Cli {
    #[arg(long, global = true, value_name = "DIR", display_order = 100)]
    pub home: Option<PathBuf>,
    #[arg(long, global = true, display_order = 101)]
    pub json: bool,
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        display_order = 102
    )]
    pub lang: Option<Language>,
    #[arg(short, long, global = true, action = ArgAction::Help, display_order = 103)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 104)]
    version: Option<bool>,
    #[command(subcommand)]
    pub command: Command,
}

/// One subcommand for each thing that a clerk does.
#[derive(Debug, Subcommand)]
pub enum Command {
    Pair(PairArgs),
    Sync(SyncArgs),
    Staff(StaffArgs),
    Find(FindArgs),
    Register(RegisterArgs),
    Show(MemberArgs),
    History(HistoryArgs),
    Group(GroupArgs),
    Tasks(TasksArgs),
    Dial(DialArgs),
    Outcome(OutcomeArgs),
    Message(MessageArgs),
    Reading(ReadingArgs),
    Note(NoteArgs),
    Consent(ConsentArgs),
    Tag(TagArgs),
    Regimen(RegimenArgs),
    Edit(EditArgs),
    Today(TodayArgs),
    Reassign(ReassignArgs),
    Recording(RecordingArgs),
    Duplicates(DuplicatesArgs),
    Status(StatusArgs),
    Unpair(UnpairArgs),
    Doctor(DoctorArgs),
    Bundle(BundleArgs),
}

#[derive(Debug, Args)]
pub struct PairArgs {
    pub code: String,
    /// Name under which headquarters sees this phone.
    #[arg(long, default_value = "terminal")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct SyncArgs {}

#[derive(Debug, Args)]
pub struct StaffArgs {
    /// Id or name of the clerk who takes over; none: the list.
    pub who: Option<String>,
    #[arg(long)]
    pub pin: Option<String>,
    /// Sets the PIN of the clerk who takes over.
    #[arg(long, value_name = "PIN")]
    pub set_pin: Option<String>,
    #[arg(long, requires = "who", conflicts_with_all = ["pin", "set_pin", "back"])]
    pub off: bool,
    #[arg(long, requires = "who", conflicts_with_all = ["pin", "set_pin"])]
    pub back: bool,
}

#[derive(Debug, Args)]
pub struct FindArgs {
    #[arg(required = true)]
    pub text: Vec<String>,
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u16).range(1..=100))]
    pub limit: u16,
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct RegisterArgs {
    #[arg(long)]
    pub name: String,
    #[arg(long)]
    pub phone: Option<String>,
    #[arg(long)]
    pub sex: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub birthday: Option<String>,
    #[arg(long = "disease", value_delimiter = ';')]
    pub diseases: Vec<String>,
    #[arg(long = "allergy", value_delimiter = ';')]
    pub allergies: Vec<String>,
    #[arg(long = "tag", value_delimiter = ';')]
    pub tags: Vec<String>,
    #[arg(long, value_name = "CM")]
    pub height: Option<u16>,
    #[arg(long, value_name = "KG")]
    pub weight: Option<String>,
    #[arg(long = "consent", value_name = "PURPOSE[:CHANNEL]=yes|no")]
    pub consents: Vec<String>,
}

#[derive(Debug, Args)]
pub struct MemberArgs {
    /// Member: id, or what `find` finds as the only one.
    #[arg(required = true)]
    pub member: Vec<String>,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    pub member: String,
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    #[arg(long)]
    pub older: bool,
}

#[derive(Debug, Args)]
pub struct GroupArgs {
    /// A filter that was kept; without it and without conditions: the list of them.
    pub name: Option<String>,
    /// A rule of the audience language.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub rule: Option<PathBuf>,
    #[arg(long = "class")]
    pub classes: Vec<String>,
    #[arg(long = "disease")]
    pub diseases: Vec<String>,
    #[arg(long = "tag")]
    pub tags: Vec<String>,
    #[arg(long)]
    pub care: Option<String>,
    /// Medicines in this state.
    #[arg(long, value_name = "STATUS")]
    pub medicine: Option<String>,
    /// Birthday within so many days.
    #[arg(long, value_name = "DAYS", value_parser = value_parser!(u16).range(0..=365))]
    pub birthday: Option<u16>,
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u16).range(1..=500))]
    pub limit: u16,
    /// Keeps the conditions under this name.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    pub save: Option<String>,
    #[arg(long, requires = "name", conflicts_with_all = ["task", "message"])]
    pub forget: bool,
    /// Makes a task of this kind for everyone shown.
    #[arg(long, value_name = "KIND", conflicts_with = "message")]
    pub task: Option<String>,
    #[arg(long, value_name = "DATE", requires = "task")]
    pub due: Option<String>,
    /// Sends this template to everyone shown.
    #[arg(long, value_name = "TEMPLATE")]
    pub message: Option<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct TasksArgs {
    /// Those of the whole store, for the store manager.
    #[arg(long)]
    pub store: bool,
    #[arg(long, group = "view")]
    pub later: bool,
    #[arg(long, group = "view")]
    pub overdue: bool,
    #[arg(long, group = "view")]
    pub done: bool,
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u16).range(1..=2_000))]
    pub limit: u16,
    /// Takes a task on for this member.
    #[arg(long, value_name = "MEMBER")]
    pub new: Option<String>,
    #[arg(long, value_name = "KIND", default_value = "call", requires = "new")]
    pub kind: String,
    /// Why, in the clerk's words.
    #[arg(long, requires = "new")]
    pub note: Option<String>,
    /// Puts this task off.
    #[arg(long, value_name = "TASK", requires = "until", conflicts_with_all = ["new", "cancel"])]
    pub defer: Option<String>,
    #[arg(long, value_name = "DATE", requires = "defer")]
    pub until: Option<String>,
    #[arg(long, value_name = "TASK", conflicts_with = "new")]
    pub cancel: Option<String>,
}

#[derive(Debug, Args)]
pub struct DialArgs {
    /// Number of the task in the list, its id, or a member.
    pub task: String,
    /// What the carrier said; without it the call is still going on.
    #[arg(long, value_name = "RESULT")]
    pub result: Option<String>,
    #[arg(long, value_name = "SECONDS", requires = "result")]
    pub seconds: Option<u32>,
}

#[derive(Debug, Args)]
pub struct OutcomeArgs {
    pub task: String,
    /// What came of it; none: the list of outcomes.
    pub outcome: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// Hour of a call back.
    #[arg(long, value_name = "HOUR")]
    pub hour: Option<u32>,
    #[arg(long)]
    pub ingredient: Option<String>,
    #[arg(long)]
    pub note: Option<String>,
    /// Takes the last outcome back, within ten seconds.
    #[arg(long, conflicts_with_all = ["outcome", "date", "hour", "ingredient", "note"])]
    pub take_back: bool,
}

#[derive(Debug, Args)]
pub struct MessageArgs {
    /// Number of the task in the list, its id, or a member.
    pub task: Option<String>,
    /// Template; none: the list of templates.
    pub template: Option<String>,
    /// Shows the text and what the gate says, without sending.
    #[arg(long)]
    pub preview: bool,
    /// Sends what was put off and may go now.
    #[arg(long, conflicts_with_all = ["task", "preview"])]
    pub due: bool,
}

#[derive(Debug, Args)]
pub struct ReadingArgs {
    pub member: String,
    /// `150/95` for blood pressure, `7.8` for glucose; none: the trend.
    pub value: Option<String>,
    /// office, home, fasting, after_meal, random.
    #[arg(long)]
    pub context: Option<String>,
}

#[derive(Debug, Args)]
pub struct NoteArgs {
    pub member: String,
    #[arg(required = true)]
    pub text: Vec<String>,
}

#[derive(Debug, Args)]
pub struct TodayArgs {
    /// The list behind this number of the table.
    pub figure: Option<String>,
    /// Whose; default: the whole store's.
    #[arg(long, value_name = "STAFF", requires = "figure")]
    pub of: Option<String>,
}

#[derive(Debug, Args)]
pub struct DuplicatesArgs {
    /// They are one person: the first id stays.
    #[arg(long, num_args = 2, value_names = ["KEEP", "OTHER"])]
    pub merge: Option<Vec<String>>,
    #[arg(long, num_args = 2, value_names = ["KEEP", "OTHER"], conflicts_with = "merge")]
    pub undo: Option<Vec<String>>,
    #[arg(long, num_args = 2, value_names = ["ONE", "OTHER"], conflicts_with_all = ["merge", "undo"])]
    pub apart: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Every operation on its way.
    #[arg(long)]
    pub queue: bool,
    /// A refused operation that was seen.
    #[arg(long, value_name = "NUMBER", conflicts_with = "queue")]
    pub put_away: Option<i64>,
}

#[derive(Debug, Args)]
pub struct UnpairArgs {
    /// Also if something was not sent yet.
    #[arg(long)]
    pub lose: bool,
}

#[derive(Debug, Args)]
pub struct ConsentArgs {
    pub member: String,
    /// Purpose, or `purpose:channel`; none: what there is.
    #[arg(value_name = "PURPOSE[:CHANNEL]=yes|no")]
    pub consent: Option<String>,
}

#[derive(Debug, Args)]
pub struct TagArgs {
    pub member: String,
    /// Tags to be added; none: what there is.
    pub tags: Vec<String>,
    #[arg(long, value_name = "TAG", value_delimiter = ';')]
    pub remove: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RegimenArgs {
    pub member: String,
    /// The medicine by its ingredient; none: what there is.
    pub ingredient: Option<String>,
    /// Units a day, for example 1.5.
    #[arg(long, value_name = "UNITS", requires = "ingredient")]
    pub daily: Option<String>,
    /// The member has enough up to and including this day.
    #[arg(long, value_name = "DATE", requires = "ingredient")]
    pub until: Option<String>,
    /// No longer taken.
    #[arg(long, requires = "ingredient", conflicts_with_all = ["daily", "until"])]
    pub stopped: bool,
}

#[derive(Debug, Args)]
pub struct EditArgs {
    pub member: String,
    #[arg(long)]
    pub name: Option<String>,
    #[arg(long)]
    pub phone: Option<String>,
    /// Takes the number away.
    #[arg(long, conflicts_with = "phone")]
    pub no_phone: bool,
    #[arg(long)]
    pub sex: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub birthday: Option<String>,
    /// Diseases to be added.
    #[arg(long = "disease", value_delimiter = ';')]
    pub diseases: Vec<String>,
    #[arg(long = "no-disease", value_name = "DISEASE", value_delimiter = ';')]
    pub not_diseases: Vec<String>,
    /// Allergies to be added.
    #[arg(long = "allergy", value_delimiter = ';')]
    pub allergies: Vec<String>,
    #[arg(long = "no-allergy", value_name = "ALLERGY", value_delimiter = ';')]
    pub not_allergies: Vec<String>,
    #[arg(long, value_name = "CM")]
    pub height: Option<u16>,
    #[arg(long, value_name = "KG")]
    pub weight: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReassignArgs {
    /// Number of the task in the list, or its id.
    pub task: Option<String>,
    #[arg(long, value_name = "STAFF")]
    pub to: Option<String>,
    /// Gives it to nobody in particular.
    #[arg(long, conflicts_with = "to")]
    pub anyone: bool,
    /// Spreads the open tasks evenly over the clerks who are here today.
    #[arg(long, conflicts_with_all = ["task", "to", "anyone"])]
    pub rebalance: bool,
    /// Asks the clerk to do this task soon.
    #[arg(long, conflicts_with_all = ["to", "anyone"])]
    pub nudge: bool,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Does not ask the hub.
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub struct BundleArgs {
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Does not ask the hub.
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub struct RecordingArgs {
    /// Id of the call; none: the list.
    pub call: Option<String>,
    #[arg(long, value_name = "FILE", requires = "call", group = "what")]
    pub attach: Option<PathBuf>,
    /// Kind of sound in the file, for example `audio/mp4`.
    #[arg(long, value_name = "TYPE", default_value = "audio/mp4", requires = "attach")]
    pub media_type: String,
    /// Says that the call has no recording, and why.
    #[arg(long, value_name = "REASON", requires = "call", group = "what")]
    pub none: Option<String>,
    /// Writes the recording into a file, in clear.
    #[arg(long, value_name = "FILE", requires = "call", group = "what")]
    pub play: Option<PathBuf>,
    #[arg(long, requires = "call", group = "what")]
    pub remove: bool,
    /// Uploads what waits.
    #[arg(long, group = "what", conflicts_with = "call")]
    pub send: bool,
    /// none, metered, wifi.
    #[arg(long, value_name = "NETWORK", default_value = "wifi")]
    pub network: String,
    /// yes or no: by Wi-Fi only.
    #[arg(long, value_name = "yes|no", group = "what", conflicts_with = "call")]
    pub wifi_only: Option<String>,
}

/// The command line with the catalogue's words.
pub fn command(texts: &Texts) -> clap::Command {
    let mut root = <Cli as clap::CommandFactory>::command()
        .about(texts.get("help").to_owned())
        .help_template(texts.get("usage.template_root").to_owned())
        .mut_args(|argument| worded(argument, texts, "help"));
    let names: Vec<String> = root
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        let key = format!("help.{name}");
        root = root.mut_subcommand(&name, |sub| {
            let takes_more = sub.get_positionals().next().is_some();
            let template = if takes_more {
                "usage.template_positionals"
            } else {
                "usage.template"
            };
            sub.about(texts.get(&key).to_owned())
                .help_template(texts.get(template).to_owned())
                .mut_args(|argument| worded(argument, texts, &key))
        });
    }
    root
}

fn worded(argument: clap::Arg, texts: &Texts, key: &str) -> clap::Arg {
    let help = texts.get(&format!("{key}.{}", argument.get_id())).to_owned();
    let takes_value = argument.get_action().takes_values();
    argument.help(help).hide_default_value(takes_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_argument_has_its_words() {
        for language in [Language::Zh, Language::En] {
            let texts = Texts::new(language);
            let root = command(&texts);
            root.clone().debug_assert();
            for sub in root.get_subcommands() {
                assert!(
                    texts.has(&format!("help.{}", sub.get_name())),
                    "{}",
                    sub.get_name()
                );
                for argument in sub.get_arguments() {
                    let key = format!("help.{}.{}", sub.get_name(), argument.get_id());
                    assert!(texts.has(&key), "{key}");
                }
            }
        }
    }
}
