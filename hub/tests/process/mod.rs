//! The real process over a data directory of its own.
#![allow(dead_code, clippy::missing_panics_doc)] // each test binary uses its part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub const HUB: &str = env!("CARGO_BIN_EXE_yaoban-hub");
const AS_OF: &str = "2026-03-01";

pub struct Hub {
    pub dir: TempDir,
}

impl Hub {
    pub fn new() -> Self {
        let hub = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        hub.ok(&["init", "--name", "示范大药房"]);
        hub
    }

    /// A hub with two stores, three drugs and four members.
    pub fn with_chain() -> Self {
        let hub = Self::new();
        let stores = hub.file("stores.csv", "store_id,name,region\nS1,一店,东\nS2,二店,西\n");
        let drugs = hub.file(
            "drugs.csv",
            "drug_id,name,ingredient,category,units_per_pack,daily_units,chronic\n\
             D1,氨氯地平,氨氯地平,降压药,28,1,yes\nD2,二甲双胍,二甲双胍,降糖药,60,2,yes\nD3,创可贴,,器械,,,no\n",
        );
        let members = hub.file(
            "members.csv",
            "member_id,store_id,name,joined_on\nM1,S1,单雪,2024-01-01\nM2,S1,曾华,2024-01-01\nM3,S2,乐天,2024-01-01\nM4,,无店,\n",
        );
        for (kind, file) in [
            ("--stores", &stores),
            ("--drugs", &drugs),
            ("--members", &members),
        ] {
            let report = hub.import(kind, file);
            assert_eq!(report["rejected"], 0, "{report}");
        }
        hub
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(HUB);
        let words = if args[0] == "model" { 2 } else { 1 };
        command
            .args(&args[..words])
            .arg("--data")
            .arg(self.data())
            .args(&args[words..]);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a refused command says.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
        assert!(!message.contains("panicked"), "{message}");
        message
    }

    pub fn import(&self, kind: &str, path: &Path) -> Value {
        let out = self.ok(&["import", kind, path.to_str().unwrap(), "--json"]);
        serde_json::from_str::<Value>(&out).unwrap()["files"][0].clone()
    }

    pub fn purchases(&self, rows: &str) -> Value {
        let path = self.file("purchases.csv", format!("{PURCHASES}\n{rows}"));
        self.import("--purchases", &path)
    }

    /// Physical lines of a reject file after its header.
    pub fn rejects(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.data().join("rejects").join(name)).unwrap();
        assert!(text.starts_with("line,reason,"), "{text}");
        text.lines().skip(1).map(str::to_owned).collect()
    }

    pub fn classes(&self) -> String {
        self.ok(&["classes", "--as-of", AS_OF, "--json", "--members"])
    }

    pub fn audience(&self, rule: &str) -> Vec<String> {
        let rule = self.file("rule.json", rule);
        let out = self.ok(&[
            "audience",
            "--as-of",
            AS_OF,
            "--ids",
            "--json",
            "--rule",
            rule.to_str().unwrap(),
        ]);
        let found: Value = serde_json::from_str(&out).unwrap();
        serde_json::from_value(found["ids"].clone()).unwrap()
    }
}

pub const PURCHASES: &str = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost";

pub fn counts(report: &Value) -> [u64; 4] {
    ["accepted", "unchanged", "skipped", "rejected"].map(|key| report[key].as_u64().unwrap())
}
