//! Writes a file with its mutants behind their numbers.
//!
//! A mutant holds the original text of its parts, without the mutants in them: one is on at a time.

use std::ops::Range;

use crate::Mutant;
use crate::find::{ArmMutants, Kind, Node};

type Bytes = Range<usize>;

/// The new text, and what stands where in it: a compiler's complaint leads to a mutant.
#[derive(Debug, Default)]
pub struct Written {
    pub text: String,
    /// Number, first byte, end.
    pub mutants: Vec<(usize, usize, usize)>,
    /// First byte, end, and the numbers of all mutants of the part that stands there.
    pub regions: Vec<(usize, usize, Vec<usize>)>,
}

/// `nodes` in the order of [`crate::find::nodes`].
pub fn write(source: &str, nodes: Vec<Node>) -> Written {
    let mut writer = Writer { source, nodes, out: Written::default() };
    writer.render(0..source.len(), 0);
    writer.out
}

struct Writer<'a> {
    source: &'a str,
    nodes: Vec<Node>,
    out: Written,
}

const BEGIN: &str = "(match crate::__mutant::on() { ";

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    fn copy(&mut self, range: Bytes) {
        self.out.text.push_str(&self.source[range]);
    }

    /// On lines of its own, since it may end with a comment.
    fn mutant(&mut self, number: usize, text: &str) {
        self.push(&format!("{number} => "));
        let start = self.out.text.len();
        self.push(text);
        self.out.mutants.push((number, start, self.out.text.len()));
        self.push("\n,");
    }

    /// Writes a part of the source with the nodes in it, of which `next` is the first that may be.
    /// Returns the first node behind it.
    fn render(&mut self, range: Bytes, mut next: usize) -> usize {
        let mut at = range.start;
        while let Some(node) = self.nodes.get(next) {
            let place = node.range.clone();
            if place.start < at {
                next += 1;
                continue;
            }
            if place.start >= range.end || place.end > range.end {
                break;
            }
            self.copy(at..place.start);
            let nothing = Kind::Body { mutants: Vec::new() };
            let kind = std::mem::replace(&mut self.nodes[next].kind, nothing);
            let start = self.out.text.len();
            let numbers = numbers(&kind);
            next = self.node(&place, kind, next + 1);
            self.out.regions.push((start, self.out.text.len(), numbers));
            at = place.end;
        }
        self.copy(at..range.end);
        next
    }

    fn node(&mut self, place: &Bytes, kind: Kind, next: usize) -> usize {
        match kind {
            Kind::Body { mutants } => {
                self.push("match crate::__mutant::on() { ");
                for it in mutants {
                    let value = if it.replacement == "()" { "" } else { &it.replacement };
                    self.mutant(it.number, &format!("return {value}"));
                }
                self.push("_ => {} }\n");
                next
            }
            Kind::Binary { left, op, right, mutants } => {
                self.push(BEGIN);
                for it in mutants {
                    let before = &self.source[left.start..op.start];
                    let after = &self.source[op.end..right.end];
                    self.mutant(it.number, &format!("{before}{}{after}", it.replacement));
                }
                self.push("_ => ");
                let next = self.render(left.clone(), next);
                self.copy(left.end..right.start);
                let next = self.render(right, next);
                self.push("\n})");
                next
            }
            Kind::Unary { op, operand, number } => {
                self.push(BEGIN);
                self.mutant(number, &self.source[operand.clone()]);
                self.push("_ => ");
                self.copy(op);
                let next = self.render(operand, next);
                self.push("\n})");
                next
            }
            Kind::Arm { guard, mutants } => self.arm(guard, mutants, next),
            Kind::Struct { mutants } => {
                self.push(BEGIN);
                for it in mutants {
                    let rest = &self.source[it.end..place.end];
                    let rest = rest.trim_start().strip_prefix(',').unwrap_or(rest);
                    let text = format!("{}{rest}", &self.source[place.start..it.start]);
                    self.mutant(it.number, &text);
                }
                self.push("_ => ");
                let next = self.render(place.clone(), next);
                self.push("\n})");
                next
            }
        }
    }

    fn arm(&mut self, guard: Option<Bytes>, mutants: ArmMutants, mut next: usize) -> usize {
        let ArmMutants { delete, always, never } = mutants;
        let clause = |number: Option<usize>, op: &str, join: &str| {
            number.map_or_else(String::new, |it| format!("crate::__mutant::on() {op} {it} {join}"))
        };
        self.push(" if ");
        self.push(&clause(delete, "!=", if guard.is_some() { "&& " } else { "" }));
        if let Some(guard) = guard {
            self.push(&format!("({}{}(", clause(always, "==", "|| "), clause(never, "!=", "&& ")));
            next = self.render(guard, next);
            self.push("\n))");
        }
        next
    }
}

fn numbers(kind: &Kind) -> Vec<usize> {
    match kind {
        Kind::Binary { mutants, .. } | Kind::Body { mutants } | Kind::Struct { mutants } => {
            mutants.iter().map(|it: &Mutant| it.number).collect()
        }
        Kind::Unary { number, .. } => vec![*number],
        Kind::Arm { mutants: ArmMutants { delete, always, never }, .. } => {
            [*delete, *always, *never].into_iter().flatten().collect()
        }
    }
}
