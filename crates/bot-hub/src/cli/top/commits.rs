//! The durations of the store's transactions, from the hub's metrics.
//!
//! Owns parsing them from the metrics page. Only a hub on this machine is asked, because it needs no token;
//! a token is never sent to a page.

use crate::cli::probe::Target;

/// The transactions so far: for each upper bound in seconds, how many took at most that long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Commits {
    buckets: Vec<(f64, u64)>,
    sum_s: f64,
    count: u64,
}

/// The transactions between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Took {
    pub(super) mean_ms: f64,
    /// The 99th percentile in milliseconds.
    pub(super) most_ms: f64,
}

impl Commits {
    pub(super) async fn read(url: &str) -> Option<Self> {
        let target = Target::of_url(url)?;
        let address: std::net::IpAddr = target.host.parse().ok()?;
        if !address.is_loopback() {
            return None;
        }
        let page = target.get("/metrics").await.ok()?;
        page.status.is_success().then(|| Self::of_page(&page.body))
    }

    fn of_page(page: &str) -> Self {
        let mut commits = Self::default();
        let samples =
            page.lines().filter_map(|line| line.strip_prefix("bothub_store_transaction_seconds_"));
        for sample in samples {
            let Some((name, value)) = sample.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            match name {
                "sum" => commits.sum_s = value,
                "count" => commits.count = value as u64,
                _ => {
                    let bound =
                        name.strip_prefix("bucket{le=\"").and_then(|it| it.strip_suffix("\"}"));
                    let bound = bound.and_then(|bound| bound.replace("+Inf", "inf").parse().ok());
                    commits.buckets.extend(bound.map(|bound| (bound, value as u64)));
                }
            }
        }
        commits
    }

    /// The transactions since an earlier sample; `None` if there were none.
    pub(super) fn since(&self, before: &Self) -> Option<Took> {
        let count = self.count.checked_sub(before.count).filter(|count| *count > 0)?;
        let mean_ms = (self.sum_s - before.sum_s) / count as f64 * 1_000.0;
        let most =
            self.buckets.iter().zip(&before.buckets).find(|((_, now), (_, then))| {
                now.saturating_sub(*then) as f64 >= count as f64 * 0.99
            });
        let most_ms = most.map_or(f64::INFINITY, |((bound, _), _)| bound * 1_000.0);
        Some(Took { mean_ms, most_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(fast: u64, all: u64, sum: f64) -> Commits {
        let name = "bothub_store_transaction_seconds";
        Commits::of_page(&format!(
            "# TYPE {name} histogram\n{name}_bucket{{le=\"0.001\"}} {fast}\n{name}_bucket{{le=\"0.01\"}} {all}\n\
             {name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {sum}\n{name}_count {all}\n"
        ))
    }

    #[test]
    fn only_what_happened_in_between_counts() {
        let took = page(110, 120, 0.5).since(&page(100, 100, 0.4));
        let took = took.map(|it| ((it.mean_ms * 10.0).round() / 10.0, it.most_ms));
        assert_eq!(took, Some((5.0, 10.0)));
        assert_eq!(page(100, 100, 0.4).since(&page(100, 100, 0.4)), None);
    }
}
