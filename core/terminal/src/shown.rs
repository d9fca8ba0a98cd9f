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
        fs::write(&self.path, text).map_err(|error| Failure::because("home", error))
    }

    /// The id behind a number of the list; anything else is an id itself.
    pub fn resolve(&self, text: &str) -> Result<String, Failure> {
        let Some(number) = text.parse::<usize>().ok().filter(|_| text.len() <= 4) else {
            return Ok(text.to_owned());
        };
        let kept = fs::read_to_string(&self.path).unwrap_or_default();
        let line = number.checked_sub(1).and_then(|place| kept.lines().nth(place));
        line.map(str::to_owned)
            .ok_or_else(|| Failure::refused("number", [("number", text)]))
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
        for text in ["0", "3"] {
            assert_eq!(shown.resolve(text).unwrap_err().code, "number");
        }
    }
}
