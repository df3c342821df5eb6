//! The table of `docs/governor.md`: what each conversation costs with the governor, and how late it is.

use std::fs;
use std::path::Path;

use crate::play::Causes;
use crate::score::Pace;
use crate::verdict::Verdict;
use crate::verdicts;

const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

#[test]
fn the_table_in_the_documents_is_what_is_measured() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/governor.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where it ends");
    let expected = format!("{before}{BEGIN}{}{END}{after}", tables());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(text == expected, "write it anew with UPDATE=1 in front of this test");
    }
}

fn tables() -> String {
    let both = |files: &[&str]| {
        let measure = |causes| verdicts(files, 1, Pace(1, 1), causes);
        let (inferred, named) = (measure(Causes::Inferred), measure(Causes::Named));
        inferred.into_iter().zip(named).collect::<Vec<_>>()
    };
    let (first, more) = (both(&["loops", "legitimate"]), both(&["more"]));
    let mut text = String::new();
    summary(&mut text, "44", &first);
    summary(&mut text, "20 more", &more);
    for (title, is_loop) in [("Loops", true), ("Conversations that are none", false)] {
        text.push_str(&format!("\n### {title}\n\n{HEAD}"));
        for (inferred, named) in first.iter().chain(&more).filter(|it| it.0.is_loop == is_loop) {
            let all = format!("{} | {}", inferred.all, usd(inferred.usd_all));
            let name = &inferred.name;
            let row = format!("| {name} | {all} | {} | {} |\n", cells(inferred), cells(named));
            text.push_str(&row);
        }
    }
    text + "\n"
}

const HEAD: &str = "\
| conversation | messages of bots | $ | said | $ | late | pauses | named: said | $ | late | pauses |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

fn summary(text: &mut String, what: &str, all: &[(Verdict, Verdict)]) {
    for (causes, of) in [("found out", 0), ("named", 1)] {
        let of = |it: &(Verdict, Verdict)| if of == 0 { it.0.clone() } else { it.1.clone() };
        let (loops, others): (Vec<Verdict>, Vec<Verdict>) =
            all.iter().map(of).partition(|it| it.is_loop);
        let right = |of: &[Verdict]| of.iter().filter(|it| it.is_right).count();
        let spent: f64 = loops.iter().map(|it| it.usd).sum();
        let spent_all: f64 = loops.iter().map(|it| it.usd_all).sum();
        let line = format!(
            "* {what}, causes {causes}: {} of {} loops stopped, {} of {} dollars spent; {} of {} others stopped.\n",
            right(&loops),
            loops.len(),
            usd(spent),
            usd(spent_all),
            others.len() - right(&others),
            others.len(),
        );
        text.push_str(&line);
    }
}

fn cells(it: &Verdict) -> String {
    let late = match it.delay_ms.div_ceil(60_000) {
        0 => "-".to_owned(),
        minutes => format!("{minutes} min"),
    };
    let said = if it.is_right { it.said.to_string() } else { format!("**{}**", it.said) };
    format!("{said} | {} | {late} | {}", usd(it.usd), it.pauses)
}

fn usd(dollars: f64) -> String {
    format!("{dollars:.2}")
}
