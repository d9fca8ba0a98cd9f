use super::*;
use crate::class::{Scores, classify};
use crate::rules::ClassRules;

fn active(recency: i64, frequency: i64, monetary_fen: i64) -> Figures {
    Figures {
        recency: Some(recency),
        frequency,
        monetary_fen,
        basket_fen: divide_half_up(monetary_fen, frequency),
    }
}

fn scores_of(r: u8, f: u8, m: u8, h: Option<u8>) -> Scores {
    Scores { r, f, m, h }
}

fn add(board: &mut Board, figures: Figures, scores: Scores) {
    board.add(&figures, &classify(scores, &ClassRules::default()));
}

#[test]
fn sums_and_means_by_class() {
    let mut board = Board::default();
    add(&mut board, active(3, 1, 101), scores_of(1, 1, 1, None));
    add(&mut board, active(6, 1, 100), scores_of(2, 1, 1, Some(3)));
    add(&mut board, Figures::default(), scores_of(1, 1, 1, None));
    let (_, low) = board.rows().find(|(class, _)| *class == Class::Low).unwrap();
    assert_eq!((low.members, low.spend_fen, low.visits), (3, 201, 2));
    assert_eq!(low.basket_fen(), Some(101), "201 / 2, half up");
    assert_eq!(low.frequency_mean(), Some(2.0 / 3.0));
    assert_eq!(low.recency_mean(), Some(4.5), "over the two who have one");
    assert_eq!(low.radar(), [Some(4.0 / 3.0), Some(1.0), Some(1.0), Some(3.0)]);
}

#[test]
fn an_empty_class_has_no_means() {
    let board = Board::default();
    assert_eq!(
        board.rows().map(|(class, _)| class).collect::<Vec<_>>(),
        Class::ALL
    );
    for (_, row) in board.rows() {
        assert_eq!(
            (row.basket_fen(), row.frequency_mean(), row.recency_mean()),
            (None, None, None)
        );
        assert_eq!(row.radar(), [None; 4]);
    }
}

#[test]
fn boards_of_several_threads_add_up() {
    let (mut first, mut second) = (Board::default(), Board::default());
    add(&mut first, active(0, 9, 900), scores_of(5, 5, 5, Some(5)));
    add(&mut second, active(9, 1, 100), scores_of(1, 1, 1, None));
    first.merge(&second);
    assert_eq!(
        (
            first.total().members,
            first.total().spend_fen,
            first.total().visits
        ),
        (2, 1_000, 10)
    );
}

#[test]
fn a_lifted_member_counts_in_its_class_not_in_its_row() {
    let mut board = Board::default();
    add(&mut board, Figures::default(), scores_of(1, 1, 1, Some(4)));
    let heads: Vec<i64> = board.rows().map(|(_, row)| row.members).collect();
    assert_eq!(heads, [0, 0, 0, 0, 1, 0]);
}
