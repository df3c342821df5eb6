//! Where in a file the mutants of a list stand, as parts of its syntax.
//!
//! Leaves out what cannot be chosen at run time: constants, functions that return `impl Trait`, chains
//! of `let`.

use std::collections::BTreeSet;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Mutant;

type Bytes = Range<usize>;

/// A part of the syntax that has mutants.
#[derive(Debug)]
pub struct Node {
    /// What is replaced; empty where something is put in.
    pub range: Bytes,
    /// What it is.
    pub kind: Kind,
}

/// The numbers of the mutants of a match arm.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArmMutants {
    /// The arm is not there.
    pub delete: Option<usize>,
    /// Its guard is `true`.
    pub always: Option<usize>,
    /// Its guard is `false`.
    pub never: Option<usize>,
}

#[derive(Debug)]
pub enum Kind {
    Binary { left: Bytes, op: Bytes, right: Bytes, mutants: Vec<Mutant> },
    Unary { op: Bytes, operand: Bytes, number: usize },
    Body { mutants: Vec<Mutant> },
    Arm { guard: Option<Bytes>, mutants: ArmMutants },
    Struct { mutants: Vec<Mutant> },
}

/// The parts, outermost first where they begin together, and the numbers of their mutants.
pub fn nodes(source: &str, mutants: &[Mutant]) -> (Vec<Node>, BTreeSet<usize>) {
    let file = syn::parse_file(source).expect("it compiles, so it can be parsed");
    let (found, nodes) = (BTreeSet::new(), Vec::new());
    let mut finder = Finder { mutants, found, nodes, constants: 0, has_default: false };
    finder.visit_file(&file);
    let Finder { mut nodes, found, .. } = finder;
    nodes.sort_by_key(|node| {
        (node.range.start, !node.range.is_empty(), std::cmp::Reverse(node.range.end))
    });
    (nodes, found)
}

struct Finder<'a> {
    mutants: &'a [Mutant],
    found: BTreeSet<usize>,
    nodes: Vec<Node>,
    /// How many constants the visit is inside of.
    constants: usize,
    /// Whether the `match` that the visit is inside of has an arm that takes everything.
    has_default: bool,
}

fn bytes(part: &impl Spanned) -> Bytes {
    part.span().byte_range()
}

fn has_let(part: &syn::Expr) -> bool {
    match part {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl Finder<'_> {
    fn at(&self, genre: &str, start: usize) -> Vec<Mutant> {
        let here = |it: &&Mutant| it.genre == genre && it.start == start && self.constants == 0;
        self.mutants.iter().filter(here).cloned().collect()
    }

    fn push(&mut self, range: Bytes, kind: Kind, numbers: impl IntoIterator<Item = usize>) {
        self.found.extend(numbers);
        self.nodes.push(Node { range, kind });
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        let is_opaque = matches!(&signature.output, syn::ReturnType::Type(_, it) if is_impl(it));
        let start = bytes(first).start;
        let mutants = self.at("FnValue", start);
        if is_opaque || mutants.is_empty() {
            return;
        }
        let numbers: Vec<usize> = mutants.iter().map(|it| it.number).collect();
        self.push(start..start, Kind::Body { mutants }, numbers);
    }

    fn constant(&mut self, is_constant: bool, visit: impl FnOnce(&mut Self)) {
        self.constants += usize::from(is_constant);
        visit(self);
        self.constants -= usize::from(is_constant);
    }
}

/// Whether `impl Trait` stands anywhere in a type.
fn is_impl(part: &syn::Type) -> bool {
    struct Seen(bool);
    impl<'ast> Visit<'ast> for Seen {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut seen = Seen(false);
    seen.visit_type(part);
    seen.0
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.constant(it.sig.constness.is_some(), |finder| {
            finder.body(&it.sig, &it.block);
            visit::visit_item_fn(finder, it);
        });
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.constant(it.sig.constness.is_some(), |finder| {
            finder.body(&it.sig, &it.block);
            visit::visit_impl_item_fn(finder, it);
        });
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if let Some(block) = &it.default {
            self.body(&it.sig, block);
        }
        visit::visit_trait_item_fn(self, it);
    }

    fn visit_item_const(&mut self, it: &'ast syn::ItemConst) {
        self.constant(true, |finder| visit::visit_item_const(finder, it));
    }

    fn visit_item_static(&mut self, it: &'ast syn::ItemStatic) {
        self.constant(true, |finder| visit::visit_item_static(finder, it));
    }

    fn visit_impl_item_const(&mut self, it: &'ast syn::ImplItemConst) {
        self.constant(true, |finder| visit::visit_impl_item_const(finder, it));
    }

    fn visit_expr_repeat(&mut self, it: &'ast syn::ExprRepeat) {
        self.visit_expr(&it.expr);
        self.constant(true, |finder| finder.visit_expr(&it.len));
    }

    fn visit_type_array(&mut self, it: &'ast syn::TypeArray) {
        self.constant(true, |finder| visit::visit_type_array(finder, it));
    }

    fn visit_expr_const(&mut self, it: &'ast syn::ExprConst) {
        self.constant(true, |finder| visit::visit_expr_const(finder, it));
    }

    fn visit_variant(&mut self, it: &'ast syn::Variant) {
        self.constant(true, |finder| visit::visit_variant(finder, it));
    }

    fn visit_expr_binary(&mut self, it: &'ast syn::ExprBinary) {
        let mutants = self.at("BinaryOperator", bytes(&it.op).start);
        if !mutants.is_empty() && !has_let(&it.left) && !has_let(&it.right) {
            let numbers: Vec<usize> = mutants.iter().map(|it| it.number).collect();
            let (left, op, right) = (bytes(&it.left), bytes(&it.op), bytes(&it.right));
            self.push(bytes(it), Kind::Binary { left, op, right, mutants }, numbers);
        }
        visit::visit_expr_binary(self, it);
    }

    fn visit_expr_unary(&mut self, it: &'ast syn::ExprUnary) {
        let (op, operand) = (bytes(&it.op), bytes(&it.expr));
        if let [mutant] = self.at("UnaryOperator", op.start).as_slice() {
            let number = mutant.number;
            self.push(bytes(it), Kind::Unary { op, operand, number }, [number]);
        }
        visit::visit_expr_unary(self, it);
    }

    fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
        let is_default =
            |arm: &syn::Arm| arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_));
        let outer = std::mem::replace(&mut self.has_default, it.arms.iter().any(is_default));
        visit::visit_expr_match(self, it);
        self.has_default = outer;
    }

    fn visit_arm(&mut self, it: &'ast syn::Arm) {
        // What is deleted gets a guard, and must not be needed for the match to be complete.
        let delete = self.at("MatchArm", bytes(it).start).first().map(|it| it.number);
        let delete = delete.filter(|_| self.has_default);
        let mut mutants = ArmMutants { delete, ..ArmMutants::default() };
        let end = bytes(&it.pat).end;
        let (mut range, mut guard) = (end..end, None);
        if let Some((word, condition)) = &it.guard {
            let condition = bytes(condition);
            range = bytes(word).start..condition.end;
            for mutant in self.at("MatchArmGuard", condition.start) {
                let is_always = mutant.replacement == "true";
                let place = if is_always { &mut mutants.always } else { &mut mutants.never };
                *place = Some(mutant.number);
            }
            guard = Some(condition);
        }
        let ArmMutants { delete, always, never } = mutants;
        let numbers: Vec<usize> = [delete, always, never].into_iter().flatten().collect();
        let is_chain = it.guard.as_ref().is_some_and(|(_, condition)| has_let(condition));
        if !numbers.is_empty() && !is_chain {
            self.push(range, Kind::Arm { guard, mutants }, numbers);
        }
        visit::visit_arm(self, it);
    }

    fn visit_expr_struct(&mut self, it: &'ast syn::ExprStruct) {
        let fields = it.fields.iter().map(|field| bytes(field).start);
        let mutants: Vec<Mutant> = fields.flat_map(|at| self.at("StructField", at)).collect();
        if !mutants.is_empty() {
            let numbers: Vec<usize> = mutants.iter().map(|it| it.number).collect();
            self.push(bytes(it), Kind::Struct { mutants }, numbers);
        }
        visit::visit_expr_struct(self, it);
    }
}
