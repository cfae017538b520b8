// Weights from a file straight into where they stay: no copy of them is anywhere else.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>

#include "kernels.h"
#include "pages.h"
#include "register.h"
#include "threads.h"

namespace dpo {
namespace {

constexpr int64_t kPartBytes = 1 << 20;   // what a thread should have to do
constexpr int64_t kPieceBytes = 1 << 18;  // read at once to be converted: it stays in the cache
constexpr int64_t kAheadBytes = 1 << 24;  // of the file that the disk is to fetch meanwhile

/** A stretch of an open file; `at` is the byte that its first number starts at. */
struct Stretch {
  int file;
  int64_t at;
};

/** What a read said last: 0, an errno, or that the file has ended. */
constexpr int kEnded = -1;

int readAll(void* to, int64_t bytes, Stretch from) {
  char* next = static_cast<char*>(to);
  while (bytes > 0) {
    const size_t most = bytes < 1 << 30 ? bytes : 1 << 30;
    const ssize_t done = pread(from.file, next, most, from.at);
    if (done == 0) return kEnded;
    if (done < 0 && errno != EINTR) return errno;
    if (done > 0) next += done, from.at += done, bytes -= done;
  }
  return 0;
}

int64_t sizeOf(Stored type) { return type == Stored::float32 ? 4 : 2; }

template <class T>
constexpr Stored kSame = sizeof(T) == 4 ? Stored::float32 : Stored::bfloat16;

/** Reads n numbers into `to`; others than T's own pass through this thread's working memory. */
template <class T>
int readNumbers(T* to, int64_t n, Stretch from, Stored type) {
  const int64_t width = sizeOf(type), most = kPieceBytes / width;
  if (type == kSame<T>) return readAll(to, n * width, from);
  void* piece = scratch(Scratch::part, kPieceBytes / sizeof(float));
  for (int64_t i = 0; i < n; i += most) {
    const int64_t count = n - i < most ? n - i : most;
    const int failure = readAll(piece, count * width, {from.file, from.at + i * width});
    if (failure) return failure;
    kernelsOf<T>().decode(type, piece, to + i, count);
  }
  return 0;
}

/** The numbers in the order of the file. */
template <class T>
int readPlain(const OpContext::Input& weight, Stretch from, Stored type) {
  const int64_t width = sizeOf(type);
  std::atomic<int> failure{0};
  const int parts = partsFor(weight.size * width, kPartBytes);
  parallel(parts, [&](int part) {
    const Range r = share(weight.size, part, parts);
    const int said = readNumbers(weight.as<T>() + r.begin, r.end - r.begin,
                                 {from.file, from.at + r.begin * width}, type);
    if (said) failure = said;
  });
  return failure;
}

/** Rows of outputs, [rows, I, taps], that become columns of a weight [taps, I, O]. */
template <class T>
struct Turn {
  const T* from;
  int64_t rows, I, taps, each;  // each = I·taps
  T* to;
  int64_t O;
};

/** Four numbers of T, whatever they are. */
template <class T>
struct FourOf;
template <>
struct FourOf<float> {
  typedef uint32_t Type __attribute__((vector_size(16)));
};
template <>
struct FourOf<bfloat16> {
  typedef uint16_t Type __attribute__((vector_size(8)));
};

/** Four by four numbers at a time: rows of `from` become columns of `columns`. */
template <class T, class Four = typename FourOf<T>::Type>
inline void transposeFours(const T* from, int64_t row, T* const columns[4]) {
  Four r[4];
  for (int i = 0; i < 4; i++) memcpy(&r[i], from + i * row, sizeof(Four));
  for (int j = 0; j < 4; j++) {
    const Four column = {r[0][j], r[1][j], r[2][j], r[3][j]};
    memcpy(columns[j], &column, sizeof column);
  }
}

template <class T>
void turn(const Turn<T>& t) {
  T* lines[4];
  int64_t i = 0, tap = 0;
  for (int64_t j = 0; j < t.each; j += 4) {
    const int64_t columns = t.each - j < 4 ? t.each - j : 4;
    for (int64_t k = 0; k < columns; k++) {
      lines[k] = t.to + (tap * t.I + i) * t.O;
      if (++tap == t.taps) tap = 0, i++;
    }
    int64_t row = 0;
    for (; columns == 4 && row + 4 <= t.rows; row += 4) {
      transposeFours(t.from + row * t.each + j, t.each, lines);
      for (T*& line : lines) line += 4;
    }
    for (; row < t.rows; row++) {
      for (int64_t k = 0; k < columns; k++) *lines[k]++ = t.from[row * t.each + j + k];
    }
  }
}

/** PyTorch's convolution [O, I, kH, kW] into [kH, kW, I, O]; four cache lines of outputs at a time, which share a page. */
template <class T>
int readReversed(const OpContext::Input& weight, Stretch from, Stored type) {
  const int64_t* n = weight.shape.dims;
  const int64_t taps = n[0] * n[1], I = n[2], O = n[3], each = I * taps, width = sizeOf(type);
  constexpr int64_t kTile = 256 / sizeof(T);
  const int64_t tiles = (O + kTile - 1) / kTile;
  std::atomic<int> failure{0};
  const int grain = partsFor(weight.size * width, kPartBytes);
  const int parts = grain < tiles ? grain : static_cast<int>(tiles);
  parallel(parts, [&](int part) {
    const Range r = share(tiles, part, parts);
    T* rows = reinterpret_cast<T*>(scratch(Scratch::factor, kTile * each));
    for (int64_t tile = r.begin; tile < r.end; tile++) {
      const int64_t first = tile * kTile, count = O - first < kTile ? O - first : kTile;
      const int said =
          readNumbers(rows, count * each, {from.file, from.at + first * each * width}, type);
      if (said) {
        failure = said;
        return;
      }
      turn<T>({rows, count, I, taps, each, weight.as<T>() + first, O});
    }
  });
  return failure;
}

/** Lets the disk fetch this stretch, and what follows, while memory is made for it. */
void fetchAhead(Stretch from, int64_t bytes) {
#ifdef POSIX_FADV_WILLNEED
  if (bytes >= kPartBytes) posix_fadvise(from.file, from.at, bytes + kAheadBytes, POSIX_FADV_WILLNEED);
#else
  (void)from, (void)bytes;
#endif
}

/** place: an open file and the byte at which the weight starts in it. */
template <class T>
void readFile(const Attributes& a, OpContext& c) {
  const auto &place = c.input(0), &weight = c.input(1);
  if (!c.requireSize(0, 2) || weight.size == 0) return;
  if (!c.require(a.stored >= 0 && a.stored <= 2, "there is no such stored type") ||
      !c.require(!a.reversed || weight.shape.rank == 4, "only convolutions have axes to reverse")) {
    return;
  }
  const int64_t* numbers = place.as<int64_t>();
  const Stretch from{static_cast<int>(numbers[0]), numbers[1]};
  const Stored type = static_cast<Stored>(a.stored);
  const size_t bytes = weight.size * sizeof(T);
  choosePages(weight.data, bytes);
  fetchAhead(from, weight.size * sizeOf(type));
  const auto begun = std::chrono::steady_clock::now();
  const int parts = partsFor(bytes, kPartBytes);
  parallel(parts, [&](int part) {
    const Range r = share(bytes, part, parts);
    makePages(static_cast<char*>(weight.data) + r.begin, r.end - r.begin);
  });
  const int failure =
      a.reversed ? readReversed<T>(weight, from, type) : readPlain<T>(weight, from, type);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  observeFilling(bytes, took.count());
  if (failure == 0) return;
  const std::string why = failure == kEnded ? "the file ended while it was being read"
                                            : std::string("reading failed: ") + strerror(failure);
  c.require(false, why.c_str());
}

}  // namespace

std::string registerFileOps() {
  Registry ops;
  ops.add({"DpoReadFile",
           {"stored: int", "reversed: bool"},
           {"place: int64", "weight: T"},
           {},
           Effect::writesInputs},
          compute<readFile<float>>, compute<readFile<bfloat16>>);
  return ops.error;
}

}  // namespace dpo
