//! How long a call may wait.

use std::time::{Duration, Instant};

use data_bridge_driver::error::Outcome;
use pyo3::prelude::*;

use crate::errors;

/// Longest wait in one piece. Between two of them the interpreter runs the handlers of signals, Ctrl-C among them.
const PIECE: Duration = Duration::from_millis(100);

/// The time limit of a call.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    end: Option<Instant>,
    seconds: f64,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self {
        end: None,
        seconds: f64::INFINITY,
    };

    /// From the argument of a call.
    ///
    /// # Errors
    /// `InterfaceError` for what is not a number of seconds.
    pub fn from_argument(py: Python<'_>, seconds: Option<f64>) -> PyResult<Self> {
        match seconds {
            None => Ok(Self::NONE),
            Some(seconds) if seconds.is_nan() => Err(errors::interface_error(
                py,
                "a timeout is a number of seconds",
            )),
            Some(seconds) => Ok(Self::after(seconds)),
        }
    }

    /// So many seconds from now; more than a clock can count are no limit.
    pub fn after(seconds: f64) -> Self {
        let limit = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Self {
            end: limit.and_then(|limit| Instant::now().checked_add(limit)),
            seconds,
        }
    }

    /// The one that ends first.
    pub fn min(self, other: Self) -> Self {
        match (self.end, other.end) {
            (Some(end), Some(other_end)) if other_end < end => other,
            (None, _) => other,
            _ => self,
        }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    /// How long to wait in one piece.
    pub fn piece(&self) -> Duration {
        self.end.map_or(PIECE, |end| {
            end.saturating_duration_since(Instant::now()).min(PIECE)
        })
    }

    /// The error for a call whose time is over.
    #[cold]
    pub fn query_timeout(&self, py: Python<'_>) -> PyErr {
        let seconds = self.seconds;
        let text = format!("no answer after {seconds} seconds; the statement was cancelled");
        errors::raise(py, "QueryTimeout", &text, Outcome::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_limit_counts() {
        let (soon, late) = (Limit::after(1.0), Limit::after(60.0));
        assert_eq!(soon.min(late).end, soon.end);
        assert_eq!(late.min(soon).end, soon.end);
        assert_eq!(Limit::NONE.min(late).end, late.end);
        assert_eq!(late.min(Limit::NONE).end, late.end);
    }

    #[test]
    fn a_limit_beyond_the_clock_is_none() {
        assert!(Limit::after(f64::INFINITY).end.is_none());
        assert!(Limit::after(1e300).end.is_none());
        assert!(Limit::after(-1.0).is_over());
        assert_eq!(Limit::NONE.piece(), PIECE);
    }
}
