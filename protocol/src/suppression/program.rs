//! Other results that look the same or almost the same, by linear programs.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Solution, SolveOptions, Variable};

use super::model::{Linear, Model};
use super::small::Small;
use crate::questionnaire::Subject;

/// Half of the least by which anything differs: the solver calculates with rounding.
pub(super) const TOLERANCE: f64 = 1e-6;

/// For how many linear programs a result of whole people is searched for, times the variables of each.
const EFFORT: usize = 50_000;

/// A cell as it would be published.
pub(super) struct PublishedCell {
    pub(super) linear: Linear,
    /// In people, or in what one of them adds at most.
    pub(super) number: f64,
    /// How much rather others are hidden.
    pub(super) weight: f64,
    /// What it is a sum over the counts of, if it is one.
    pub(super) over_counts_of: Option<Subject>,
}

impl PublishedCell {
    /// What it costs that it differs: the more people it is about, the more.
    pub(super) fn cost(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "few terms")]
        let terms = self.linear.terms.len().max(1) as f64;
        // Somebody where nobody is would be a surprise to whoever looks at what is hidden.
        self.weight * terms * if self.number == 0.0 { 4.0 } else { 1.0 + self.number.ln_1p() }
    }
}

/// How a cell differs from what it is.
#[derive(Clone, Copy)]
struct Difference {
    cell: usize,
    above: Variable,
    below: Variable,
}

/// What a variable of the model is: a constant, and what is added to and taken from it.
#[derive(Clone, Copy)]
struct Value {
    constant: f64,
    above: Variable,
    below: Option<Variable>,
}

/// The solver failed.
pub(super) struct Unsolved;

impl From<microlp::Error> for Unsolved {
    fn from(_: microlp::Error) -> Self {
        Self
    }
}

impl From<microlp::InterruptedSolve> for Unsolved {
    fn from(_: microlp::InterruptedSolve) -> Self {
        Self
    }
}

/// All results that are possible, the best of which is where the cells that are shown differ the least.
pub(super) struct Program {
    /// With everything as it is.
    solved: Solution,
    values: Vec<Value>,
    differences: Vec<Difference>,
}

/// A program in the making.
struct Building {
    problem: Problem,
    values: Vec<Value>,
    differences: Vec<Difference>,
}

/// A result that people could have come to.
pub(super) struct OtherResult {
    /// How much of what is shown is different.
    pub(super) cost: f64,
    /// The variables of the model.
    pub(super) values: Vec<f64>,
    /// The cells that are shown and would be different.
    pub(super) differing: Vec<usize>,
}

/// Which cells are not hidden.
struct Shown {
    /// For each variable of the model the one that tells it.
    variables: Vec<Option<usize>>,
    /// Those that are sums.
    sums: Vec<usize>,
}

impl Shown {
    fn new(model: &Model, cells: &[PublishedCell], hidden: &[bool]) -> Self {
        let mut shown = Self { variables: vec![None; model.variables.len()], sums: Vec::new() };
        for (position, cell) in cells.iter().enumerate().filter(|(cell, _)| !hidden[*cell]) {
            let variable = cell.linear.as_variable();
            match variable.filter(|variable| shown.variables[*variable].is_none()) {
                Some(variable) => shown.variables[variable] = Some(position),
                None => shown.sums.push(position),
            }
        }
        shown
    }
}

impl Program {
    /// The program in which all cells but the hidden ones are shown.
    pub(super) fn new(
        model: &Model,
        cells: &[PublishedCell],
        hidden: &[bool],
    ) -> Result<Self, Unsolved> {
        let Building { problem, values, differences } = Building::new(model, cells, hidden, None);
        let solved = problem.solve()?.into_solution()?;
        Ok(Self { solved, values, differences })
    }

    /// The best result in which this compares with `number` like that, if there is one.
    pub(super) fn solve_with(
        &self,
        linear: &Linear,
        comparison: ComparisonOp,
        number: f64,
    ) -> Result<Option<OtherResult>, Unsolved> {
        let (terms, constant) = expand(&self.values, linear);
        let solved = self.solved.clone().add_constraint(terms, comparison, number - constant);
        match solved {
            Err(microlp::Error::Infeasible) => Ok(None),
            solved => {
                let solution = solved?.into_solution()?;
                Ok(Some(OtherResult::of(&solution, &self.values, &self.differences)))
            }
        }
    }
}

impl OtherResult {
    fn of(solution: &Solution, values: &[Value], differences: &[Difference]) -> Self {
        let values = values.iter().map(|value| {
            let below = value.below.map_or(0.0, |below| solution.var_value(below));
            value.constant + solution.var_value(value.above) - below
        });
        let differs = |difference: &&Difference| {
            solution.var_value(difference.above) + solution.var_value(difference.below) > TOLERANCE
        };
        Self {
            cost: solution.objective(),
            values: values.collect(),
            differing: differences.iter().filter(differs).map(|one| one.cell).collect(),
        }
    }
}

/// Whether sums over counts may differ too.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sums {
    Kept,
    Given,
}

/// The same of results in which nobody is divided.
pub(super) struct WholeProgram {
    building: Building,
    /// How many variables are whole.
    whole: usize,
}

impl WholeProgram {
    pub(super) fn new(model: &Model, cells: &[PublishedCell], hidden: &[bool], sums: Sums) -> Self {
        let whole = model.variables.iter().filter(|whole| **whole).count();
        Self { building: Building::new(model, cells, hidden, Some(sums)), whole }
    }

    /// The nearest result that is found in which what is small is something else, if there is one.
    pub(super) fn nearest(
        &self,
        linear: &Linear,
        small: &Small,
    ) -> Result<Option<OtherResult>, Unsolved> {
        let found = |comparison, number| self.solve_with(linear, comparison, number);
        let more = found(ComparisonOp::Ge, small.number + small.distance);
        if matches!(&more, Ok(Some(more)) if more.cost < TOLERANCE) {
            return more;
        }
        let less = found(ComparisonOp::Le, small.number - small.distance);
        match (more, less) {
            (Ok(more), Ok(less)) => {
                Ok(more.into_iter().chain(less).min_by(|a, b| a.cost.total_cmp(&b.cost)))
            }
            (Ok(Some(other)), _) | (_, Ok(Some(other))) => Ok(Some(other)),
            _ => Err(Unsolved),
        }
    }

    /// A good result in which this compares with `number` like that, if there is one.
    fn solve_with(
        &self,
        linear: &Linear,
        comparison: ComparisonOp,
        number: f64,
    ) -> Result<Option<OtherResult>, Unsolved> {
        let Building { problem, values, differences } = &self.building;
        let (terms, constant) = expand(values, linear);
        let mut problem = problem.clone();
        problem.add_constraint(terms, comparison, number - constant);
        let mut options = SolveOptions::default();
        options.node_limit = u64::try_from((EFFORT / self.whole.max(1)).clamp(100, 2_000)).ok();
        match problem.solve_with(options) {
            Err(microlp::Error::Infeasible) => Ok(None),
            solved => {
                let solution = solved?.into_solution()?;
                Ok(Some(OtherResult::of(&solution, values, differences)))
            }
        }
    }
}

/// Another variable, from none to this.
fn add(problem: &mut Problem, whole: bool, cost: f64, most: f64) -> Variable {
    if whole {
        #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
        problem.add_integer_var(cost, (0, most.round() as i32))
    } else {
        problem.add_var(cost, (0.0, most))
    }
}

impl Building {
    /// With `whole`, nobody is divided.
    fn new(model: &Model, cells: &[PublishedCell], hidden: &[bool], whole: Option<Sums>) -> Self {
        let shown = Shown::new(model, cells, hidden);
        let problem = Problem::new(OptimizationDirection::Minimize);
        let mut building = Self { problem, values: Vec::new(), differences: Vec::new() };
        for (known, counts) in shown.variables.into_iter().zip(&model.variables) {
            let whole = whole.is_some() && *counts;
            let value = if let Some(cell) = known {
                let Difference { above, below, .. } = building.apart(cell, &cells[cell], whole);
                Value { constant: cells[cell].number, above, below: Some(below) }
            } else {
                let above = add(&mut building.problem, whole, 0.0, f64::INFINITY);
                Value { constant: 0.0, above, below: None }
            };
            building.values.push(value);
        }
        for cell in shown.sums {
            let PublishedCell { linear, number, over_counts_of, .. } = &cells[cell];
            let (mut terms, constant) = expand(&building.values, linear);
            if whole != Some(Sums::Kept) || over_counts_of.is_none() {
                let Difference { above, below, .. } = building.apart(cell, &cells[cell], false);
                terms.extend([(above, -1.0), (below, 1.0)]);
            }
            building.problem.add_constraint(terms, ComparisonOp::Eq, number - constant);
        }
        for (linears, comparison) in
            [(&model.zero, ComparisonOp::Eq), (&model.not_negative, ComparisonOp::Ge)]
        {
            for linear in linears {
                let (terms, constant) = expand(&building.values, linear);
                building.problem.add_constraint(terms, comparison, -constant);
            }
        }
        building
    }

    fn apart(&mut self, position: usize, cell: &PublishedCell, whole: bool) -> Difference {
        let cost = cell.cost();
        let above = add(&mut self.problem, whole, cost, f64::INFINITY);
        let below = add(&mut self.problem, whole, cost, cell.number);
        let difference = Difference { cell: position, above, below };
        self.differences.push(difference);
        difference
    }
}

/// A sum over variables of the model in those of the program.
fn expand(values: &[Value], linear: &Linear) -> (Vec<(Variable, f64)>, f64) {
    let (mut terms, mut constant) = (Vec::new(), linear.constant);
    for (variable, weight) in &linear.terms {
        let value = values[*variable];
        terms.push((value.above, *weight));
        terms.extend(value.below.map(|below| (below, -weight)));
        constant += value.constant * weight;
    }
    (terms, constant)
}
