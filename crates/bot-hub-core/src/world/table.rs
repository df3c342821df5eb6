//! Vectors of what the hub knows, in which every visit can be counted.
//!
//! Owns no rule. With the feature `steps`, each element that a loop looks at is counted, so that a test
//! can tell that the work for a frame does not grow with the hub. Without it this is a `Vec`.

use std::ops::{Deref, DerefMut};

/// A vector of rooms, of members, or of bots.
#[derive(Debug)]
pub(crate) struct Table<T>(Vec<T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Table<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

#[cfg(feature = "steps")]
mod counted {
    use std::cell::Cell;
    use std::iter::Inspect;
    use std::slice;

    thread_local! {
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    /// Elements that this thread has looked at since the last call.
    #[must_use]
    pub fn take_steps() -> u64 {
        STEPS.take()
    }

    pub(crate) fn step() {
        STEPS.set(STEPS.get() + 1);
    }

    pub(crate) type Iter<'a, T> = Inspect<slice::Iter<'a, T>, fn(&&'a T)>;
    pub(crate) type IterMut<'a, T> = Inspect<slice::IterMut<'a, T>, fn(&&'a mut T)>;

    pub(crate) fn counted<'a, T>(all: slice::Iter<'a, T>) -> Iter<'a, T> {
        all.inspect(|_| step())
    }

    pub(crate) fn counted_mut<'a, T>(all: slice::IterMut<'a, T>) -> IterMut<'a, T> {
        all.inspect(|_| step())
    }
}

#[cfg(feature = "steps")]
pub use counted::take_steps;
#[cfg(feature = "steps")]
pub(crate) use counted::{Iter, IterMut, counted, counted_mut, step};

#[cfg(not(feature = "steps"))]
mod plain {
    use std::slice;

    pub(crate) type Iter<'a, T> = slice::Iter<'a, T>;
    pub(crate) type IterMut<'a, T> = slice::IterMut<'a, T>;

    pub(crate) fn step() {}

    pub(crate) fn counted<T>(all: slice::Iter<'_, T>) -> Iter<'_, T> {
        all
    }

    pub(crate) fn counted_mut<T>(all: slice::IterMut<'_, T>) -> IterMut<'_, T> {
        all
    }
}

#[cfg(not(feature = "steps"))]
pub(crate) use plain::{Iter, IterMut, counted, counted_mut, step};

impl<T> Table<T> {
    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn iter(&self) -> Iter<'_, T> {
        counted(self.0.iter())
    }

    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, T> {
        counted_mut(self.0.iter_mut())
    }
}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Table<T> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> IterMut<'a, T> {
        self.iter_mut()
    }
}
