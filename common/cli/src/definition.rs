//! A program's arguments, and from the same definition its man page and shell completions.

use std::io::{self, Write as _};
use std::process;

use clap::builder::EnumValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use clap_complete::Shell;

use crate::Exit;

/// The arguments. The program exits here if the command line is invalid or asks for help, a man page or completions.
pub fn parse<A: CommandFactory + FromArgMatches>() -> A {
    let mut command = with_descriptions(A::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os()).unwrap_or_else(|error| end(&command, &error));
    if let Some(description) = description(&matches, &command) {
        // A reader that closes the pipe has seen enough.
        let _ = io::stdout().lock().write_all(&description);
        process::exit(Exit::Done.code().into());
    }
    A::from_arg_matches(&matches).unwrap_or_else(|error| end(&command, &error.format(&mut command.clone())))
}

/// Prints clap's output. Errors have the form of the program's other errors.
fn end(command: &Command, error: &clap::Error) -> ! {
    if error.use_stderr() {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let _ = write!(io::stderr().lock(), "{}: error: {text}", command.get_name());
    } else {
        let _ = error.print();
    }
    process::exit(error.exit_code());
}

fn with_descriptions(command: Command) -> Command {
    command.args([
        Arg::new("completions")
            .long("completions")
            .value_name("SHELL")
            .help("Print the completions for a shell")
            .value_parser(EnumValueParser::<Shell>::new())
            .exclusive(true),
        Arg::new("man").long("man").help("Print the man page").action(ArgAction::SetTrue).exclusive(true),
    ])
}

fn description(matches: &ArgMatches, command: &Command) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(shell) = matches.get_one::<Shell>("completions") {
        clap_complete::generate(*shell, &mut command.clone(), command.get_name(), &mut text);
        return Some(text);
    }
    let man = clap_mangen::Man::new(command.clone());
    (matches.get_flag("man") && man.render(&mut text).is_ok()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command with an argument that is otherwise required.
    fn described(args: &[&str]) -> Option<String> {
        let command =
            Command::new("program").arg(Arg::new("table").required(true)).arg(Arg::new("speed").long("speed"));
        let mut command = with_descriptions(command);
        let matches = command.try_get_matches_from_mut(args).unwrap();
        description(&matches, &command).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn every_shell_completes_every_option() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let text = described(&["program", "--completions", shell]).unwrap();
            assert!(text.contains("speed") && text.contains("program"), "{shell}: {text}");
        }
    }

    #[test]
    fn the_man_page_has_every_option_and_other_command_lines_are_left_alone() {
        let page = described(&["program", "--man"]).unwrap();
        assert!(page.contains(".TH program 1") && page.contains("speed"), "{page}");
        assert_eq!(described(&["program", "logfile"]), None);
    }
}
