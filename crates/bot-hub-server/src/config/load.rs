//! Loads the configuration from its sources, or reports everything that is wrong with it.
//!
//! Owns the order of the layers. A failed load changes nothing, so a reload can be tried at any time.

use std::path::{Path as FilePath, PathBuf};

use super::layers::{Environment, Override, lay_environment, lay_flags};
use super::node::Node;
use super::problem::{ConfigErrors, Origin, Path, Problem, Source};
use super::schema::ROOT;
use super::settings::Config;
use super::stamp::FileStamp;
use super::syntax::{self, DOCUMENT_BYTES_MAX};
use super::validate::Validator;
use super::{meaning, paths, plain};

/// The sources of a configuration; needed again for every reload.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file, which has to exist; `None` means defaults. See [`paths::config_file`].
    pub file: Option<PathBuf>,
    /// Environment variables: settings, and what `${NAME}` in tokens stands for.
    pub env: Environment,
    /// Flags, which override everything else.
    pub flags: Vec<Override>,
}

/// A valid configuration.
#[derive(Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// The data directory: `store.path`, or the default for this user or service. `None` if neither is
    /// known; a hub with the memory store needs none.
    pub data_dir: Option<PathBuf>,
    /// Warnings about valid settings that are probably mistakes.
    pub warnings: Vec<Problem>,
    /// The state of the file before it was read: a later write changes it.
    pub(crate) stamp: Option<FileStamp>,
    pub(super) tree: Node,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { config, file, data_dir, warnings, stamp: _, tree: _ } = self;
        let mut shown = f.debug_struct("Loaded");
        shown.field("config", config).field("file", file).field("data_dir", data_dir);
        shown.field("warnings", warnings).finish_non_exhaustive()
    }
}

/// Reads the file and lays everything else over it.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
    match &sources.file {
        None => layered(None, sources),
        Some(path) => {
            let stamp = FileStamp::of(path);
            let bytes = read_file(path).map_err(|problem| refused(vec![*problem], Vec::new()))?;
            let loaded = load_bytes(&path.display().to_string(), &bytes, sources)?;
            Ok(Loaded { stamp: Some(stamp), ..loaded })
        }
    }
}

/// Like [`load`], with the bytes of the file given; `name` stands in messages.
pub fn load_bytes(name: &str, bytes: &[u8], sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let source = Source::File(name.into());
    let text =
        syntax::decode(bytes, &source).map_err(|problem| refused(vec![*problem], Vec::new()))?;
    load_text(name, text, sources)
}

/// Like [`load`], with the text of the file given; `name` stands in messages.
pub fn load_text(name: &str, text: &str, sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let source = Source::File(name.into());
    layered(Some(syntax::read(text, &source)), sources)
}

fn layered(
    file: Option<Result<Node, Box<Problem>>>,
    sources: &Sources,
) -> Result<Loaded, ConfigErrors> {
    let environment = |name: &str| sources.env.get(name).map(str::to_owned);
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut validator = Validator { problems: &mut errors, environment: &environment };

    let mut tree = Node::object(Origin::DEFAULT);
    match file {
        Some(Ok(written)) => {
            warnings.extend(meaning::spellings(&written));
            let valid = validator.validate(written, &ROOT, &Path::default());
            tree.merge(valid.unwrap_or_else(|| Node::object(Origin::DEFAULT)));
        }
        Some(Err(problem)) => validator.problems.push(*problem),
        None => {}
    }
    lay_environment(&mut tree, &sources.env, &mut validator, &mut warnings);
    lay_flags(&mut tree, &sources.flags, &mut validator);
    if !errors.is_empty() {
        return Err(refused(errors, warnings));
    }
    finish(tree, warnings, sources)
}

fn finish(
    tree: Node,
    mut warnings: Vec<Problem>,
    sources: &Sources,
) -> Result<Loaded, ConfigErrors> {
    let mut config = decode(&tree).map_err(|problem| refused(vec![*problem], Vec::new()))?;
    let (mut errors, more) = meaning::judge(&config, &tree);
    warnings.extend(more);
    errors.extend(settle_paths(&mut config, &tree, sources));
    if !errors.is_empty() {
        return Err(refused(errors, warnings));
    }
    sort(&mut warnings);
    let data_dir = config.store.path.clone().or_else(|| paths::data_dir(&sources.env));
    Ok(Loaded { config, file: sources.file.clone(), data_dir, warnings, stamp: None, tree })
}

/// Converts the checked tree. Tests make sure that serde agrees with the schema. If it does not, the value
/// is refused and not printed, because it may be a secret.
fn decode(tree: &Node) -> Result<Config, Box<Problem>> {
    let mut json = tree.clone().into_json();
    if let Some(members) = json.as_object_mut() {
        members.remove("$schema");
    }
    serde_path_to_error::deserialize(json).map_err(|error| {
        let whole = error.path().iter().next().map(ToString::to_string).unwrap_or_default();
        let path = Path::from(whole.as_str());
        let origin = tree.origin_of(&path).cloned().unwrap_or(Origin::DEFAULT);
        let hint = "the schema and the hub disagree about this value; please report it";
        Box::new(Problem::new(&origin, &path, "cannot be understood", hint))
    })
}

/// Makes paths absolute that were written relative to home or to the file.
fn settle_paths(config: &mut Config, tree: &Node, sources: &Sources) -> Vec<Problem> {
    let tls = &mut config.tls;
    let paths = [
        ("store.path", &mut config.store.path),
        ("tls.certFile", &mut tls.cert_file),
        ("tls.keyFile", &mut tls.key_file),
        ("tls.acme.caFile", &mut tls.acme.ca_file),
    ];
    let settle = |(name, path): (_, &mut Option<PathBuf>)| {
        let settled = path.as_deref().map(|path| settle(name, path, tree, sources)).transpose();
        settled.map(|settled| *path = settled).err()
    };
    paths.into_iter().filter_map(settle).map(|problem| *problem).collect()
}

fn settle(
    setting: &str,
    path: &FilePath,
    tree: &Node,
    sources: &Sources,
) -> Result<PathBuf, Box<Problem>> {
    let setting = Path::from(setting);
    let origin = tree.origin_of(&setting).cloned().unwrap_or(Origin::DEFAULT);
    let folder = match (&origin.source, &sources.file) {
        (Source::File(_), Some(file)) => file.parent().unwrap_or(FilePath::new("")),
        _ => FilePath::new(""),
    };
    paths::resolve(path, folder, &sources.env).ok_or_else(|| {
        let hint = "write the whole path, or set HOME";
        Box::new(Problem::new(&origin, &setting, "there is no home directory for `~`", hint))
    })
}

fn read_file(path: &FilePath) -> Result<Vec<u8>, Box<Problem>> {
    plain::read(path, DOCUMENT_BYTES_MAX as u64).map_err(|error: std::io::Error| {
        let origin = Origin::of(&Source::File(path.display().to_string().into()));
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path; `bot-hub config init` writes a new file"
            }
            std::io::ErrorKind::PermissionDenied => "let the hub's user read it",
            _ => "check what is at this path",
        };
        let message = format!("cannot be read: {}", without_code(&error));
        Box::new(Problem::new(&origin, &Path::default(), message, hint))
    })
}

/// `No such file or directory (os error 2)` in lower case and without the number.
fn without_code(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn refused(mut errors: Vec<Problem>, mut warnings: Vec<Problem>) -> ConfigErrors {
    sort(&mut errors);
    sort(&mut warnings);
    ConfigErrors { errors, warnings }
}

/// Sorts by the order in the file; problems without a place come last, in the order of the layers.
fn sort(problems: &mut [Problem]) {
    problems.sort_by_key(|problem| {
        let layer = match problem.origin.source {
            Source::File(_) => 0,
            Source::Env(_) => 1,
            Source::Flag(_) => 2,
            Source::Default => 3,
        };
        (layer, problem.origin.place)
    });
}

impl Loaded {
    /// A problem with a setting, reported at the place of its value. Only for fixed keys.
    pub fn problem(
        &self,
        setting: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem::new(&self.origin(setting), &Path::from(setting), message, hint)
    }

    /// The origin of a setting. Only for fixed keys, as in `limits.frameBytes`.
    pub fn origin(&self, path: &str) -> Origin {
        let said = self.tree.origin_of(&Path::from(path)).cloned();
        said.unwrap_or(Origin::DEFAULT)
    }
}
