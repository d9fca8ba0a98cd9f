//! The command line. Help comes from the catalogue: `help.<command>` and `help.<command>.<argument>`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::text::{Language, Texts};

/// The terminal phone.
#[derive(Debug, Parser)]
#[command(
    name = "yaoban-clerk",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    #[arg(long, global = true)]
    pub json: bool,
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Language>,
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
    Today,
    Reassign(ReassignArgs),
    Recording(RecordingArgs),
    Status,
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
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
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
    pub before: Option<String>,
    #[arg(long)]
    pub older: bool,
}

#[derive(Debug, Args)]
pub struct GroupArgs {
    /// A rule of the audience language.
    #[arg(long, value_name = "FILE")]
    pub rule: Option<PathBuf>,
    #[arg(long = "class")]
    pub classes: Vec<String>,
    #[arg(long = "disease")]
    pub diseases: Vec<String>,
    #[arg(long = "tag")]
    pub tags: Vec<String>,
    #[arg(long)]
    pub care: Option<String>,
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Makes a task of this kind for everyone shown.
    #[arg(long, value_name = "KIND")]
    pub task: Option<String>,
    #[arg(long, value_name = "DATE")]
    pub due: Option<String>,
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
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Takes a task on for this member.
    #[arg(long, value_name = "MEMBER")]
    pub new: Option<String>,
    #[arg(long, value_name = "KIND", default_value = "call", requires = "new")]
    pub kind: String,
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
    pub task: String,
    /// Template; none: the list of templates.
    pub template: Option<String>,
    /// Shows the text and what the gate says, without sending.
    #[arg(long)]
    pub preview: bool,
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
pub struct ConsentArgs {
    pub member: String,
    /// Purpose, or `purpose:channel`; none: what there is.
    #[arg(value_name = "PURPOSE[:CHANNEL]=yes|no")]
    pub consent: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReassignArgs {
    /// Number of the task in the list, or its id.
    pub task: Option<String>,
    #[arg(long, value_name = "STAFF")]
    pub to: Option<String>,
    /// Spreads the open tasks evenly over the clerks who are here today.
    #[arg(long, conflicts_with_all = ["task", "to"])]
    pub rebalance: bool,
    /// Asks the clerk to do this task soon.
    #[arg(long, conflicts_with = "to")]
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
        .mut_args(|argument| worded(argument, texts, "help"));
    let names: Vec<String> = root
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        let key = format!("help.{name}");
        root = root.mut_subcommand(&name, |sub| {
            sub.about(texts.get(&key).to_owned())
                .mut_args(|argument| worded(argument, texts, &key))
        });
    }
    root
}

fn worded(argument: clap::Arg, texts: &Texts, key: &str) -> clap::Arg {
    let help = texts.get(&format!("{key}.{}", argument.get_id())).to_owned();
    argument.help(help)
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
