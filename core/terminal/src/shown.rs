//! The task list as it was last shown: `dial 1` means the first line that the clerk saw, whatever a
//! sync or an outcome has moved since.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Where the ids of the shown tasks are kept, one a line.
#[derive(Debug)]
pub struct Shown {
    path: PathBuf,
}

impl Shown {
    /// The list of a home directory.
    pub fn new(home: &Path) -> Self {
        Self {
            path: home.join("shown-tasks"),
        }
    }

    /// Keeps what is shown now.
    pub fn keep<'a>(&self, task_ids: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        let text: String = task_ids.flat_map(|id| [id, "\n"]).collect();
        fs::write(&self.path, text).map_err(|error| Failure::because("shown_list", error))
    }

    /// The id behind a number of the list; anything else is an id itself.
    pub fn resolve(&self, text: &str) -> Result<String, Failure> {
        let Some(number) = text.parse::<usize>().ok().filter(|_| text.len() <= 4) else {
            return Ok(text.to_owned());
        };
        self.at(number)
            .ok_or_else(|| Failure::refused("number", [("number", text)]))
    }

    /// The id behind a number of one or two digits, where a member is asked for: more digits are the
    /// end of a phone number.
    pub fn numbered(&self, text: &str) -> Option<String> {
        let number = text.parse().ok().filter(|_| text.len() <= 2)?;
        self.at(number)
    }

    /// Forgets the list.
    pub fn forget(&self) {
        // A list that is not there is forgotten already.
        let _ = fs::remove_file(&self.path);
    }

    fn at(&self, number: usize) -> Option<String> {
        let kept = fs::read_to_string(&self.path).unwrap_or_default();
        let line = kept.lines().nth(number.checked_sub(1)?)?;
        Some(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_was_shown() {
        let home = tempfile::tempdir().unwrap();
        let shown = Shown::new(home.path());
        assert!(shown.resolve("1").is_err());
        shown.keep(["a", "b"].into_iter()).unwrap();
        assert_eq!(shown.resolve("2").unwrap(), "b");
        assert_eq!(shown.resolve("c:M0000012").unwrap(), "c:M0000012");
        assert_eq!(shown.numbered("2").as_deref(), Some("b"));
        assert_eq!(shown.numbered("3"), None);
        assert_eq!(shown.numbered("002"), None);
        for text in ["0", "3"] {
            assert_eq!(shown.resolve(text).unwrap_err().code, "number");
        }
    }
}
