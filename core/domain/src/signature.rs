//! A signature drawn on a screen: kept as strokes, so that it is small and can be drawn at any size.
//!
//! As text, on the wire and in the hub's table: the points of a stroke as `right,down` with spaces
//! between, the strokes with `;` between.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Points of a signature at most; a drawing with more is thinned.
pub const POINTS_MAX: usize = 1_000;
/// Strokes of a signature at most. The name of three characters with the most strokes has about 90.
pub const STROKES_MAX: usize = 200;
/// The largest coordinate: a pad is at most twice as high as it is wide.
pub const COORDINATE_MAX: u16 = 2 * WIDTH;
/// The pad's width, in whose thousandths points are told.
const WIDTH: u16 = 1_000;
/// How long the ink of a signature is at least: a slip of the finger is none.
const INK_MIN: f64 = 200.0;

/// A point, right and down from the pad's upper left corner, in thousandths of its width.
pub type Point = (u16, u16);

/// What a member signed with, stroke by stroke.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature {
    /// Its strokes, each a line through its points.
    pub strokes: Vec<Vec<Point>>,
}

impl Signature {
    /// The signature of a drawing: its width, and its strokes as right, down, right, down … in the same
    /// unit. None if it is no more than a slip, or has too many strokes. Points so near each other that
    /// nobody could tell them apart are left out, the more the longer the drawing is.
    pub fn of_drawing(width: f32, strokes: &[Vec<f32>]) -> Option<Self> {
        if !(width.is_finite() && width > 0.0) || strokes.len() > STROKES_MAX {
            return None;
        }
        let scale = |value: f32| {
            let scaled = f64::from(value) / f64::from(width) * f64::from(WIDTH);
            // A cast of a float saturates; what is no number is 0.
            scaled.round().clamp(0.0, f64::from(COORDINATE_MAX)) as u16
        };
        let drawn = Self {
            strokes: strokes
                .iter()
                .map(|stroke| {
                    stroke
                        .chunks_exact(2)
                        .map(|at| (scale(at[0]), scale(at[1])))
                        .collect()
                })
                .filter(|stroke: &Vec<Point>| !stroke.is_empty())
                .collect(),
        };
        if drawn.ink() < INK_MIN {
            return None;
        }
        let mut apart = 2.0;
        let mut thinned = drawn.thinned(apart);
        while thinned.points() > POINTS_MAX {
            apart *= 1.5;
            thinned = drawn.thinned(apart);
        }
        Some(thinned)
    }

    /// How many points it has.
    pub fn points(&self) -> usize {
        self.strokes.iter().map(Vec::len).sum()
    }

    /// Whether it keeps the limits of this module.
    pub fn is_within_limits(&self) -> bool {
        let mut points = self.strokes.iter().flatten();
        self.strokes.len() <= STROKES_MAX
            && self.points() <= POINTS_MAX
            && points.all(|(right, down)| *right <= COORDINATE_MAX && *down <= COORDINATE_MAX)
    }

    /// It as a picture, an SVG document.
    pub fn to_svg(&self) -> String {
        let height = self
            .strokes
            .iter()
            .flatten()
            .map(|(_, down)| *down)
            .max()
            .unwrap_or(0);
        let mut path = String::new();
        for stroke in &self.strokes {
            for (index, (right, down)) in stroke.iter().enumerate() {
                let step = if index == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{step}{right} {down}"));
            }
            // A dot is a line of no length, which a round end makes visible.
            if let [(right, down)] = stroke[..] {
                path.push_str(&format!("L{right} {down}"));
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-20 -20 {} {}\">\
             <path d=\"{path}\" fill=\"none\" stroke=\"black\" stroke-width=\"8\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>\n",
            WIDTH + 40,
            height + 40
        )
    }

    /// How long its lines are together, in thousandths of the width.
    fn ink(&self) -> f64 {
        let lines = self.strokes.iter().flat_map(|stroke| stroke.windows(2));
        lines.map(|line| distance(line[0], line[1])).sum()
    }

    /// Without points that lie nearer than this to the point before; each stroke keeps its ends.
    fn thinned(&self, apart: f64) -> Self {
        let thin = |stroke: &Vec<Point>| {
            let mut kept: Vec<Point> = Vec::new();
            for (index, point) in stroke.iter().enumerate() {
                let far = kept.last().is_none_or(|last| distance(*last, *point) >= apart);
                if far || index + 1 == stroke.len() {
                    kept.push(*point);
                }
            }
            kept
        };
        Self {
            strokes: self.strokes.iter().map(thin).collect(),
        }
    }
}

/// A text is no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature is points as right,down with spaces between, strokes with ; between")]
pub struct NotASignature;

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, stroke) in self.strokes.iter().enumerate() {
            let mut between = if place == 0 { "" } else { ";" };
            for (right, down) in stroke {
                write!(out, "{between}{right},{down}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.to_string()
    }
}

impl TryFrom<String> for Signature {
    type Error = NotASignature;

    fn try_from(text: String) -> Result<Self, NotASignature> {
        let point = |text: &str| {
            let (right, down) = text.split_once(',')?;
            Some((right.parse().ok()?, down.parse().ok()?))
        };
        let stroke = |text: &str| text.split(' ').map(point).collect::<Option<Vec<Point>>>();
        let strokes = text.split(';').map(stroke).collect::<Option<_>>();
        strokes.map(|strokes| Self { strokes }).ok_or(NotASignature)
    }
}

fn distance(from: Point, to: Point) -> f64 {
    let along = |a: u16, b: u16| f64::from(a) - f64::from(b);
    along(from.0, to.0).hypot(along(from.1, to.1))
}

#[cfg(test)]
mod tests {
    use super::{COORDINATE_MAX, POINTS_MAX, STROKES_MAX, Signature};

    #[test]
    fn a_drawing_is_told_in_thousandths_of_its_width() {
        let drawn = Signature::of_drawing(400.0, &[vec![0.0, 0.0, 200.0, 100.0, 400.0, 0.0]]);
        assert_eq!(
            drawn.map(|one| one.strokes),
            Some(vec![vec![(0, 0), (500, 250), (1_000, 0)]])
        );
    }

    #[test]
    fn a_slip_is_no_signature_and_ink_of_a_fifth_of_the_width_is() {
        let line = |to: f32| Signature::of_drawing(1_000.0, &[vec![0.0, 0.0, to, 0.0]]);
        assert!(line(200.0).is_some());
        assert!(line(199.0).is_none());
        for nothing in [vec![], vec![vec![]], vec![vec![5.0]], vec![vec![f32::NAN; 8]]] {
            assert!(Signature::of_drawing(100.0, &nothing).is_none(), "{nothing:?}");
        }
        for width in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(
                Signature::of_drawing(width, &[vec![0.0, 0.0, 900.0, 0.0]]).is_none(),
                "{width}"
            );
        }
    }

    #[test]
    fn a_drawing_without_end_is_thinned_to_the_limits_and_keeps_its_ends() {
        // A pen that goes round and round, told 120 times a second for minutes.
        let round: Vec<f32> = (0..40_000)
            .flat_map(|step| {
                let angle = step as f32 / 10.0;
                [500.0 + 400.0 * angle.cos(), 500.0 + 400.0 * angle.sin()]
            })
            .collect();
        let drawn = Signature::of_drawing(1_000.0, &[round]).unwrap();
        assert!(
            drawn.points() <= POINTS_MAX && drawn.points() > 1,
            "{}",
            drawn.points()
        );
        assert!(drawn.is_within_limits());
        assert_eq!(drawn.strokes[0][0], (900, 500));
        let many = |strokes| Signature::of_drawing(100.0, &vec![vec![0.0, 0.0, 50.0, 50.0]; strokes]);
        assert!(many(STROKES_MAX).is_some_and(|one| one.is_within_limits()));
        assert!(many(STROKES_MAX + 1).is_none());
    }

    #[test]
    fn what_left_the_pad_stays_at_its_edge() {
        let drawn = Signature::of_drawing(100.0, &[vec![-50.0, 10.0, 900.0, f32::INFINITY]]).unwrap();
        assert_eq!(drawn.strokes, [[(0, 100), (COORDINATE_MAX, COORDINATE_MAX)]]);
    }

    #[test]
    fn it_is_written_as_text_and_read_back() {
        let drawn = Signature {
            strokes: vec![vec![(0, 0), (500, 250)], vec![(700, 100)]],
        };
        assert_eq!(drawn.to_string(), "0,0 500,250;700,100");
        assert_eq!(Signature::try_from(drawn.to_string()), Ok(drawn));
        for text in [
            "", ";", "1", "1,", "1,2;", "1,2 ", "a,b", "1,2,3", "-1,2", "1,70000",
        ] {
            assert!(Signature::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn it_becomes_a_picture() {
        let drawn = Signature {
            strokes: vec![vec![(0, 0), (500, 250)], vec![(700, 100)]],
        };
        let svg = drawn.to_svg();
        assert!(svg.contains("viewBox=\"-20 -20 1040 290\""), "{svg}");
        assert!(svg.contains("d=\"M0 0L500 250M700 100L700 100\""), "{svg}");
    }
}
