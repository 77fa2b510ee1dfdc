// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/program.h"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <new>

#include "lamella/base/cancel_scope.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/io/net/traffic.h"

namespace lamella::cli {

namespace {

constexpr std::array kCommands = {
    Command{"run", "run a whole study: plan, encode, train, score, map",
            "lamella run studies/demo.toml --set train.l2=0.1", add_run},
    Command{"search", "try combinations of a study's options, and run the best whole",
            "lamella search study.toml --set 'search.mpp=[0.5, 1, 2]'", add_search},
    Command{"plan", "choose where patches are cut from a slide",
            "lamella plan --slide a.svs --size-px 256 --mpp 0.5 --stride-px 256 --out a.plan.h5",
            add_plan},
    Command{"extract", "write a plan's patches as files, for training elsewhere",
            "lamella extract --slide a.svs --plan a.plan.h5 --format png --out patches",
            add_extract},
    Command{"encode", "turn a plan's patches into feature vectors",
            "lamella encode --slide a.svs --plan a.plan.h5 --encoder lite0 --out a.features.h5",
            add_encode},
    Command{"features", "write features as another program reads them",
            "lamella features export --features a.features.h5 --layout clam --out h5_files/a.h5",
            add_features},
    Command{
        "train", "learn the classes of labelled features",
        "lamella train --features a.features.h5 b.features.h5 --groups patients.csv --out model",
        add_train},
    Command{"finetune", "learn an encoder of the study's own from its labelled patches (PyTorch)",
            "lamella finetune study.toml --method last --blocks 3 --epochs 10", add_finetune},
    Command{"score", "give every patch the probability of each class",
            "lamella score --slide a.svs --model model --out a.csv", add_score},
    Command{"map", "draw scores as a heat-map over the slide",
            "lamella map --slide a.svs --scores a.csv --out a_map", add_map},
    Command{"evaluate", "measure scores against labels",
            "lamella evaluate --scores a.csv --truth a.plan.h5", add_evaluate},
    Command{"calibrate", "fit a model's probabilities to labels of the site where it is used",
            "lamella calibrate model --scores a.csv b.csv --truth a.plan.h5 b.csv --out calibrated",
            add_calibrate},
    Command{"lesions", "detections of lesions, and CAMELYON16's evaluation of them",
            "lamella lesions evaluate --detections detections --reference reference.csv",
            add_lesions},
    Command{"report", "make the report of a recorded run anew: one HTML file",
            "lamella report out/runs/20261125-150812-1a2b3c", add_report},
    Command{"convert", "annotations of one program as another reads them",
            "lamella convert a.xml a.geojson --slide a.svs", add_convert},
    Command{"runs", "list, show, compare, repeat and publish recorded runs",
            "lamella runs list out", add_runs},
    Command{"manifest", "the version of a cohort's data: write it, check it",
            "lamella manifest write study.toml --out manifest.json", add_manifest},
    Command{"model", "export a model as one ONNX file",
            "lamella model export --model model --out model.onnx", add_model},
    Command{"encoder", "list the encoders there are", "lamella encoder list", add_encoder},
    Command{"phantom", "make synthetic labelled slides (never a claim of accuracy)",
            "lamella phantom --out phantoms --slides 6 --size-px 6000,4500 --seed 1", add_phantom},
    Command{"options", "list every option of studies, commands and Python", "lamella options",
            add_options},
    Command{"doctor", "check the installation and say what is missing", "lamella doctor",
            add_doctor},
};

// The signal handler can reach nothing but a static.
CancelToken& interrupt_token() {
  static CancelToken token;
  return token;
}

// A number above 0; anything else ("0,25") is said in one line.
CLI::Validator positive_number() {
  return {[](std::string& text) {
            const auto number = parse_double(text);
            if (number && *number > 0) return std::string();
            return fmt::format("found '{}', expected a number above 0, as 2", text);
          },
          ""};
}

extern "C" void on_signal(int signal) {
  interrupt_token().request();
  // A second Ctrl-C ends the program at once.
  std::signal(signal, SIG_DFL);
}

}  // namespace

void declare_commands(CLI::App& app, Parsed& parsed) {
  app.set_version_flag("--version", "lamella " LAMELLA_VERSION);
  app.add_option("--threads", parsed.options.threads, "threads to use (default: all cores)")
      ->check(positive_number())
      ->type_name("N");
  app.add_flag("--json", parsed.options.json, "print one JSON object on stdout");
  app.add_flag("--quiet", parsed.options.quiet, "only warnings and errors on stderr");
  app.add_flag("--verbose", parsed.options.verbose, "more on stderr");
  app.require_subcommand(1);
  app.footer("'lamella COMMAND --help' tells about one command.");
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->fallthrough();
    sub->footer(fmt::format("Example:\n  {}", command.example));
    Action action = command.add(*sub);
    sub->callback([&parsed, action = std::move(action)] { parsed.action = action; });
  }
}

namespace {

// What reading from stores has cost.
void tell_traffic(Shell& shell) {
  for (const auto& [name, traffic] : io::traffic_so_far()) {
    shell.debug(fmt::format("{}: {} requests, {} bytes fetched, {} needed, {:.2f} s waiting", name,
                            traffic.requests, traffic.bytes_fetched, traffic.bytes_needed,
                            traffic.seconds_waiting));
  }
}

int run_action(const CLI::App& app, const Parsed& parsed) {
  const auto spelling = [&app](const std::string& message) { return spell_flags(app, message); };
  Shell shell(parsed.options, interrupt_token(), spelling);
  const CancelScope cancel(interrupt_token());
  try {
    const int code = parsed.action(shell);
    tell_traffic(shell);
    return code;
  } catch (const Error& error) {
    shell.end_progress();
    tell_traffic(shell);
    if (error.code() == ErrorCode::kInterrupted) {
      print_error("interrupted; what is finished is kept, the same command goes on from there");
      return kInterruptedExit;
    }
    print_error(spelling(error.what()));
    if (parsed.options.verbose) print_error(fmt::format("thrown at {}", error.where()));
  } catch (const std::bad_alloc&) {
    shell.end_progress();
    print_error("out of memory; try --threads 1 or a machine with more memory");
  } catch (const std::exception& error) {
    shell.end_progress();
    print_error(fmt::format("unexpected: {}; please report this", error.what()));
  }
  return kFailed;
}

int wrong_usage(const CLI::App& app, const std::string& message) {
  std::string command;
  for (auto parts = app.get_subcommands(); !parts.empty();
       parts = parts.front()->get_subcommands()) {
    command += parts.front()->get_name() + " ";
  }
  print_error(fmt::format("{}; see 'lamella {}--help'", spell_flags(app, message), command));
  return kWrongUsage;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_program(int argc, char** argv) {
  CLI::App app{
      "lamella: from whole-slide images and annotations to tracked patch classifiers "
      "and heat-maps",
      "lamella"};
  Parsed parsed;
  try {
    declare_commands(app, parsed);
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ExtrasError& error) {
    return wrong_usage(app, error.what() + nearest_word(app));
  } catch (const CLI::ParseError& error) {
    const bool no_command = app.get_subcommands().empty();
    return wrong_usage(app, error.what() + (no_command ? nearest_word(app) : ""));
  } catch (const Error& error) {
    return wrong_usage(app, error.what());
  }
  interrupt_token();  // made before a signal can ask for it
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit is an error that says so
  return run_action(app, parsed);
}

}  // namespace lamella::cli
