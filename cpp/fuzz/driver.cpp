// A plain engine for fuzz targets where the compiler brings none: random inputs, and mutations of
// earlier ones, until the time is over. Not guided by coverage, so it is fast rather than clever.
//
//     event_queue_fuzz [--seconds 10] [--seed 1] [--save FILE]   search
//     event_queue_fuzz FILE...                                   run the saved inputs again
//
// An input that fails is written to the file of --save, fuzz_failure.bin if not given.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// A sanitizer's report must end in the signal that saves the input.
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kMaxLength = 4096;
constexpr std::size_t kPoolSize = 256;

struct Options {
  double seconds = 10.0;
  std::uint64_t seed = 1;
  std::string save = "fuzz_failure.bin";
  std::vector<std::string> files;
};

// Signal handlers take no argument, so what they need is global.
const Input* current_input = nullptr;
std::string save_path;

extern "C" void save_and_die(int signal) {
  // Writing a file is not promised to work in a handler, but the process is lost anyway.
  std::signal(signal, SIG_DFL);
  if (std::FILE* file = std::fopen(save_path.c_str(), "wb")) {
    std::fwrite(current_input->data(), 1, current_input->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "fuzz: the failing input is in %s\n", save_path.c_str());
  }
  std::raise(signal);
}

void run(const Input& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Input next() {
    Input input = pool_.empty() || random_() % 4 == 0 ? fresh() : pick();
    for (std::size_t n_change = random_() % 8; n_change > 0; --n_change) mutate(input);
    input.resize(std::min(input.size(), kMaxLength));
    if (pool_.size() < kPoolSize) {
      pool_.push_back(input);
    } else {
      pool_[random_() % kPoolSize] = input;
    }
    return input;
  }

 private:
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }
  const Input& pick() { return pool_[random_() % pool_.size()]; }

  Input fresh() {
    // Short programs as often as long ones.
    Input input(random_() % (std::size_t{1} << (random_() % 13)));
    std::ranges::generate(input, [this] { return byte(); });
    return input;
  }

  void mutate(Input& input) {
    const auto position = [&] {
      return static_cast<std::ptrdiff_t>(random_() % (input.size() + 1));
    };
    const std::ptrdiff_t at = position();
    const std::ptrdiff_t end = std::min<std::ptrdiff_t>(
        at + static_cast<std::ptrdiff_t>(random_() % 32), std::ssize(input));
    switch (random_() % 4) {
      case 0:
        std::for_each(input.begin() + at, input.begin() + end, [this](auto& b) { b = byte(); });
        break;
      case 1:
        input.erase(input.begin() + at, input.begin() + end);
        break;
      case 2: {  // repeat a stretch elsewhere
        const Input stretch(input.begin() + at, input.begin() + end);
        input.insert(input.begin() + position(), stretch.begin(), stretch.end());
        break;
      }
      default: {  // go on as another input does
        const Input& other = pick();
        input.resize(static_cast<std::size_t>(at));
        input.insert(input.end(), other.begin() + std::min(at, std::ssize(other)), other.end());
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<Input> pool_;
};

std::size_t search(const Options& options) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  Mutator mutator(options.seed);
  std::size_t n_run = 0;
  for (; std::chrono::steady_clock::now() < end; ++n_run) run(mutator.next());
  return n_run;
}

Options parse(int n_argument, char** arguments) {
  Options options;
  for (int i = 1; i < n_argument; ++i) {
    const std::string argument = arguments[i];
    if (!argument.starts_with("--")) {
      options.files.push_back(argument);
      continue;
    }
    if (++i == n_argument) throw std::invalid_argument(argument + " needs a value");
    const std::string value = arguments[i];
    if (argument == "--seconds") {
      options.seconds = std::stod(value);
    } else if (argument == "--seed") {
      options.seed = std::stoull(value);
    } else if (argument == "--save") {
      options.save = value;
    } else {
      throw std::invalid_argument(argument + " is unknown, expected --seconds, --seed or --save");
    }
  }
  return options;
}

}  // namespace

int main(int n_argument, char** arguments) {
  try {
    const Options options = parse(n_argument, arguments);
    save_path = options.save;
    if (options.files.empty()) {
      for (const int signal : {SIGABRT, SIGSEGV, SIGFPE}) std::signal(signal, save_and_die);
      const std::size_t n_run = search(options);
      std::printf("%zu runs in %g s with seed %llu: all clean\n", n_run, options.seconds,
                  static_cast<unsigned long long>(options.seed));
      return 0;
    }
    for (const std::string& path : options.files) {
      std::ifstream file(path, std::ios::binary);
      if (!file) throw std::invalid_argument(path + " cannot be read");
      run(Input(std::istreambuf_iterator<char>(file), {}));
    }
    std::printf("%zu saved inputs: all clean\n", options.files.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz: %s\n", error.what());
    return 2;
  }
}
