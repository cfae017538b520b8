// Rows of stored numbers turned into columns of a weight, past the cache.
#pragma once

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernels.h"

namespace dpo {

constexpr int64_t kLineBytes = 64;  // of the cache
template <class T>
constexpr int64_t kLine = kLineBytes / sizeof(T);

/** Rows of outputs, [rows, I, taps] as bits S of a stored type, that become columns of a weight [taps, I, O]. */
template <class S, class T>
struct Turn {
  const S* from;
  Stored type;
  int64_t rows, I, taps;
  T* to;
  int64_t O;
};

/** Four numbers of n bytes, whatever they are. */
template <int n>
struct FourOf;
template <>
struct FourOf<4> {
  typedef uint32_t Type __attribute__((vector_size(16)));
};
template <>
struct FourOf<2> {
  typedef uint16_t Type __attribute__((vector_size(8)));
};

/** Four by four numbers: rows of `from` become columns, each `column` after the last. */
template <class S, class Four = typename FourOf<sizeof(S)>::Type>
inline void transposeFours(const S* from, int64_t row, S* to, int64_t column) {
  Four r[4];
  for (int i = 0; i < 4; i++) memcpy(&r[i], from + i * row, sizeof(Four));
  for (int j = 0; j < 4; j++) {
    const Four four = {r[0][j], r[1][j], r[2][j], r[3][j]};
    memcpy(to + j * column, &four, sizeof four);
  }
}

/** A whole cache line, past the cache where the processor can: what is there would only be fetched to be replaced. */
inline void storeLine(void* to, const void* line) {
#ifdef __SSE2__
  if (reinterpret_cast<uintptr_t>(to) % kLineBytes == 0) {
    const __m128i* from = static_cast<const __m128i*>(line);
    for (int i = 0; i < 4; i++) _mm_stream_si128(static_cast<__m128i*>(to) + i, from[i]);
    return;
  }
#endif
  memcpy(to, line, kLineBytes);
}

/** Orders lines stored past the cache before whatever this thread says next. */
inline void finishLines() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

/** Four columns of one cache line each, where `from` starts: rows of `to`. */
template <class S, class T>
inline void turnLines(const Turn<S, T>& t, const S* from, T* const* lines, int64_t at) {
  alignas(kLineBytes) S turned[4][kLine<T>];
  const int64_t each = t.I * t.taps;
  for (int64_t r = 0; r < kLine<T>; r += 4) {
    transposeFours(from + r * each, each, &turned[0][r], kLine<T>);
  }
  if (sizeof(S) == sizeof(T) && t.type == kStored<T>) {
    for (int c = 0; c < 4; c++) storeLine(lines[c] + at, turned[c]);
    return;
  }
  alignas(kLineBytes) T decoded[4][kLine<T>];
  kernelsOf<T>().decode(t.type, turned, decoded[0], 4 * kLine<T>);
  for (int c = 0; c < 4; c++) storeLine(lines[c] + at, decoded[c]);
}

/** By columns of one cache line of `from`, which are as many rows of `to`. */
template <class S, class T>
void turn(const Turn<S, T>& t) {
  T* lines[kLine<S>];
  const int64_t each = t.I * t.taps, rows = t.rows / kLine<T> * kLine<T>;
  int64_t i = 0, tap = 0;
  for (int64_t j = 0; j < each; j += kLine<S>) {
    const int64_t columns = each - j < kLine<S> ? each - j : kLine<S>, fours = columns / 4 * 4;
    for (int64_t k = 0; k < columns; k++) {
      lines[k] = t.to + (tap * t.I + i) * t.O;
      if (++tap == t.taps) tap = 0, i++;
    }
    for (int64_t row = 0; row < rows; row += kLine<T>) {
      const S* from = t.from + row * each + j;
      for (int64_t k = 0; k < fours; k += 4) turnLines(t, from + k, lines + k, row);
    }
    for (int64_t row = 0; row < t.rows; row++) {
      for (int64_t k = row < rows ? fours : 0; k < columns; k++) {
        kernelsOf<T>().decode(t.type, t.from + row * each + j + k, lines[k] + row, 1);
      }
    }
  }
}

}  // namespace dpo
