//! The dashboard's sums for each class (rules, section 1).

use super::{Figures, Verdict, divide_half_up};
use crate::codes::{Class, Code as _};

/// The dashboard: sums for each class, in the order of the specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    rows: [BoardRow; Class::ALL.len()],
}

/// Sums over the members of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoardRow {
    /// Heads.
    pub members: i64,
    /// Monetary of all, in fen.
    pub spend_fen: i64,
    /// Frequency of all.
    pub visits: i64,
    /// Recency of all who have one.
    pub recency_sum: i64,
    /// Members who have a recency.
    pub recency_members: i64,
    /// Sums of the scores r, f, m.
    pub score_sums: [i64; 3],
    /// Sum of the health need of all who have one.
    pub health_sum: i64,
    /// Members whose health need is known.
    pub health_members: i64,
}

impl BoardRow {
    /// Spend a visit in fen, half up; none without a visit.
    pub fn basket_fen(&self) -> Option<i64> {
        divide_half_up(self.spend_fen, self.visits)
    }

    /// Mean frequency; none without members.
    pub fn frequency_mean(&self) -> Option<f64> {
        mean(self.visits, self.members)
    }

    /// Mean recency over members who have one; none without such.
    pub fn recency_mean(&self) -> Option<f64> {
        mean(self.recency_sum, self.recency_members)
    }

    /// The radar: mean scores r, f, m, and h over members whose health need is known.
    pub fn radar(&self) -> [Option<f64>; 4] {
        let [r, f, m] = self.score_sums.map(|sum| mean(sum, self.members));
        [r, f, m, mean(self.health_sum, self.health_members)]
    }

    fn merge(&mut self, other: &Self) {
        self.members += other.members;
        self.spend_fen = self.spend_fen.saturating_add(other.spend_fen);
        self.visits += other.visits;
        self.recency_sum += other.recency_sum;
        self.recency_members += other.recency_members;
        for (sum, more) in self.score_sums.iter_mut().zip(other.score_sums) {
            *sum += more;
        }
        self.health_sum += other.health_sum;
        self.health_members += other.health_members;
    }
}

fn mean(sum: i64, count: i64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

impl Board {
    /// Takes one member.
    pub fn add(&mut self, figures: &Figures, verdict: &Verdict) {
        let scores = verdict.scores;
        self.rows[verdict.class as usize].merge(&BoardRow {
            members: 1,
            spend_fen: figures.monetary_fen,
            visits: figures.frequency,
            recency_sum: figures.recency.unwrap_or(0),
            recency_members: i64::from(figures.recency.is_some()),
            score_sums: [scores.r, scores.f, scores.m].map(i64::from),
            health_sum: scores.h.map_or(0, i64::from),
            health_members: i64::from(scores.h.is_some()),
        });
    }

    /// Takes another board's sums, for one that was filled by several threads.
    pub fn merge(&mut self, other: &Self) {
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.merge(more);
        }
    }

    /// The classes with their sums, in the order of the specification.
    pub fn rows(&self) -> impl Iterator<Item = (Class, &BoardRow)> {
        Class::ALL.iter().copied().zip(&self.rows)
    }

    /// The sums of all classes together, for the shares of heads and of spend.
    pub fn total(&self) -> BoardRow {
        let mut total = BoardRow::default();
        for row in &self.rows {
            total.merge(row);
        }
        total
    }
}

#[cfg(test)]
mod tests;
