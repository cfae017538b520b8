// Weights from a file straight into where they stay: no copy of them is anywhere else.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "kernels.h"
#include "operations.h"
#include "pages.h"
#include "threads.h"
#include "turn.h"

namespace dpo {
namespace {

constexpr int64_t kPartBytes = 1 << 19;   // what a thread should have to do
constexpr int64_t kPieceBytes = 1 << 18;  // read at once to be converted: it stays in the cache
constexpr int64_t kAheadBytes = 1 << 27;  // of the file that the disk is to fetch meanwhile

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

/** Reads n numbers into `to`; others than T's own pass through this thread's working memory. */
template <class T>
int readNumbers(T* to, int64_t n, Stretch from, Stored type) {
  const int64_t width = sizeOf(type), most = kPieceBytes / width;
  if (type == kStored<T>) return readAll(to, n * width, from);
  void* piece = scratch(Scratch::part, kPieceBytes / sizeof(float));
  for (int64_t i = 0; i < n; i += most) {
    const int64_t count = n - i < most ? n - i : most;
    const int failure = readAll(piece, count * width, {from.file, from.at + i * width});
    if (failure) return failure;
    kernelsOf<T>().decode(type, piece, to + i, count);
  }
  return 0;
}

/** A weight of the buffer and where it lies in the file; taps = 0: in the same order. */
template <class T>
struct Weight {
  T* to;
  int64_t size;
  Stretch from;
  Stored type;
  int64_t taps, I;

  int64_t O() const { return size / (taps * I); }
};

/** Numbers r of the weight, in the order of the file. */
template <class T>
int readPlain(const Weight<T>& w, Range r) {
  makePages(w.to + r.begin, (r.end - r.begin) * sizeof(T));
  return readNumbers(w.to + r.begin, r.end - r.begin,
                     {w.from.file, w.from.at + r.begin * sizeOf(w.type)}, w.type);
}

/** Outputs r of PyTorch's convolution [O, I, kH, kW], into [kH, kW, I, O]. */
template <class T>
int readReversed(const Weight<T>& w, Range r) {
  const int64_t rows = r.end - r.begin, bytes = w.I * w.taps * sizeOf(w.type);
  void* stored = scratch(Scratch::factor, (rows * bytes + 3) / sizeof(float));
  const int failure = readAll(stored, rows * bytes, {w.from.file, w.from.at + r.begin * bytes});
  if (failure) return failure;
  T* to = w.to + r.begin;
  if (w.type == Stored::float32) {
    turn<uint32_t, T>({static_cast<uint32_t*>(stored), w.type, rows, w.I, w.taps, to, w.O()});
  } else {
    turn<uint16_t, T>({static_cast<uint16_t*>(stored), w.type, rows, w.I, w.taps, to, w.O()});
  }
  return 0;
}

/** Pieces of weights, for whichever thread comes next. */
template <class T>
class Jobs {
 public:
  /** In the order that leaves fewest threads waiting: memory of what is turned first, since all of it is written to. */
  explicit Jobs(const std::vector<Weight<T>>& weights) {
    for (const Weight<T>& w : weights) bytes_ += w.size * sizeof(T);
    for (const Weight<T>& w : weights) {
      if (w.taps > 0) add(w, kPagesBytes / sizeof(T), w.size, [](const Weight<T>& w, Range r) {
        return makePages(w.to + r.begin, (r.end - r.begin) * sizeof(T)), 0;
      });
    }
    for (const Weight<T>& w : weights) {
      if (w.taps == 0) add(w, kPagesBytes / sizeof(T), w.size, readPlain<T>);
    }
    for (const Weight<T>& w : weights) {
      if (w.taps > 0) add(w, 4 * kLine<T>, w.O(), readReversed<T>);  // the four lines share a page
    }
  }

  /** What the last failing read said, or 0. */
  int run() {
    std::atomic<size_t> next{0};
    std::atomic<int> failure{0};
    parallel(partsFor(bytes_, kPartBytes), [&](int) {
      for (size_t i; (i = next++) < jobs_.size() && failure == 0;) {
        const int said = jobs_[i].body(*jobs_[i].weight, jobs_[i].range);
        if (said) failure = said;
      }
      finishLines();
    });
    return failure;
  }

 private:
  using Body = int (*)(const Weight<T>&, Range);
  struct Job {
    Body body;
    const Weight<T>* weight;
    Range range;
  };

  void add(const Weight<T>& w, int64_t most, int64_t n, Body body) {
    for (int64_t i = 0; i < n; i += most) {
      jobs_.push_back({body, &w, {i, i + most < n ? i + most : n}});
    }
  }

  int64_t bytes_ = 0;
  std::vector<Job> jobs_;
};

/** Whether the system has this byte in memory; a guess where it cannot tell. */
bool isCached(Stretch from) {
#ifdef RWF_NOWAIT
  char byte;
  const iovec one{&byte, 1};
  return preadv2(from.file, &one, 1, from.at, RWF_NOWAIT) == 1;
#else
  return (void)from, false;
#endif
}

/** Lets the disk fetch this stretch, and what follows, while memory is made for it. */
void fetchAhead(Stretch from, int64_t end) {
#ifdef POSIX_FADV_WILLNEED
  const int64_t last = end + kAheadBytes - 1;
  if (end - from.at < kPartBytes || isCached({from.file, last})) return;
  posix_fadvise(from.file, from.at, last - from.at, POSIX_FADV_WILLNEED);
#else
  (void)from, (void)end;
#endif
}

constexpr int kFields = 6;  // of a place: position, stored type, first number, size, taps, inputs

/** Weights of one buffer, in the order of the file. */
template <class T>
bool findWeights(OpContext& c, std::vector<Weight<T>>& weights) {
  const auto &places = c.input(1), &buffer = c.input(2);
  if (!c.requireSize(0, 1) ||
      !c.require(places.size % kFields == 0, "a place has six numbers")) {
    return false;
  }
  const int file = static_cast<int>(*c.input(0).as<int64_t>());
  for (int64_t i = 0; i < places.size; i += kFields) {
    const int64_t* p = places.as<int64_t>() + i;
    const int64_t at = p[0], stored = p[1], first = p[2], size = p[3], taps = p[4], I = p[5];
    if (!c.require(stored >= 0 && stored <= 2, "there is no such stored type") ||
        !c.require(first >= 0 && size >= 0 && first <= buffer.size && size <= buffer.size - first,
                   "the weight reaches beyond the buffer") ||
        !c.require(taps == 0 || (taps > 0 && I > 0 && size % taps == 0 && size / taps % I == 0),
                   "the weight is no convolution of so many taps and inputs")) {
      return false;
    }
    if (size == 0) continue;
    weights.push_back({buffer.as<T>() + first, size, {file, at}, static_cast<Stored>(stored), taps, I});
  }
  return true;
}

/** file: an open one. places: what lies where in it, and where in the buffer. */
template <class T>
void readFile(const Attributes&, OpContext& c) {
  std::vector<Weight<T>> weights;
  if (!findWeights(c, weights) || weights.empty()) return;
  const auto& buffer = c.input(2);
  choosePages(buffer.data, buffer.size * sizeof(T));
  const Weight<T>& last = weights.back();
  fetchAhead(weights.front().from, last.from.at + last.size * sizeOf(last.type));
  const int failure = Jobs<T>(weights).run();
  if (failure == 0) return;
  const std::string why = failure == kEnded ? "the file ended while it was being read"
                                            : std::string("reading failed: ") + strerror(failure);
  c.require(false, why.c_str());
}

}  // namespace

void addFileOps(Operations& ops) {
  ops.add({"DpoReadFile", {}, {"file: int64", "places: int64", "buffer: T"}, {}},
          readFile<float>, readFile<bfloat16>);
}

}  // namespace dpo
