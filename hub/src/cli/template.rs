//! `yaoban-hub template`: message templates and call scripts.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use yaoban_protocol::row::entity;

use super::{CliError, DataArgs, read_text};
use crate::campaign::CampaignError;
use crate::campaign::script::{check, read_templates};
use crate::storage::sqlite::scope::{CATALOGUE, Changes, Mark};

/// Arguments of `template`.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    #[command(subcommand)]
    command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
enum TemplateCommand {
    /// Take in templates from a JSON file; all of them or, if one breaks the rules, none.
    Import {
        #[command(flatten)]
        data: DataArgs,
        /// One template or a list of them: id, title, kind (script, sms, wechat), purpose, text, points.
        file: PathBuf,
    },
    /// Show all templates.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs `template`.
pub fn run(args: &TemplateArgs) -> Result<(), CliError> {
    match &args.command {
        TemplateCommand::Import { data, file } => import(data, file),
        TemplateCommand::List { data } => list(data),
    }
}

fn import(data: &DataArgs, file: &Path) -> Result<(), CliError> {
    let in_file = |error: CampaignError| CliError::Refused(format!("{}: {error}", file.display()));
    let templates = read_templates(&read_text(file)?).map_err(in_file)?;
    let changed = data.open()?.write(|tx| {
        let rules = tx.rules()?;
        let mut changes = Changes::new();
        let mut changed = 0;
        for template in &templates {
            check(tx, template, &rules)?;
            if tx.template(&template.id)?.as_ref() != Some(template) {
                tx.put_template(template)?;
                changes.add(CATALOGUE, entity::TEMPLATE, &template.id, Mark::Put);
                changed += 1;
            }
        }
        tx.touch(&changes)?;
        Ok::<_, CampaignError>(changed)
    });
    let changed = changed.map_err(in_file)?;
    say!("{changed} accepted, {} unchanged", templates.len() - changed);
    Ok(())
}

fn list(data: &DataArgs) -> Result<(), CliError> {
    for template in data.open()?.read::<_, CliError>(|tx| Ok(tx.templates()?))? {
        say!(
            "{:24}  {:7}  {:9}  {}",
            template.id,
            template.kind,
            template.purpose.code(),
            template.title
        );
    }
    Ok(())
}
