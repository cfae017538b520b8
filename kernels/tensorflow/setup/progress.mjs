// One live line per step on a terminal; on a pipe, a plain line every few seconds.

const megabyte = 1e6;

export function formatBytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 100 * megabyte) return `${Math.round(bytes / megabyte)} MB`;
  return `${(bytes / megabyte).toFixed(1)} MB`;
}

export function formatSeconds(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** Rate over the last few seconds, so that it follows the network and not the past. */
export class Rate {
  #samples = [];

  /** @param amount total so far @param now milliseconds @returns units per second, 0 while unknown */
  add(amount, now) {
    this.#samples.push({ amount, now });
    while (this.#samples.length > 2 && now - this.#samples[0].now > 5000) this.#samples.shift();
    const first = this.#samples[0];
    const elapsed = (now - first.now) / 1000;
    return elapsed > 0.2 ? (amount - first.amount) / elapsed : 0;
  }
}

/** "143 of 274 MB · 21.0 MB/s · 6 s left"; parts that are not known are left out. */
export function describeTransfer({ bytes, total, rate }) {
  const parts = [total ? `${formatBytes(bytes)} of ${formatBytes(total)}` : formatBytes(bytes)];
  if (rate > 0) parts.push(`${formatBytes(rate)}/s`);
  if (rate > 0 && total) parts.push(`${formatSeconds((total - bytes) / rate)} left`);
  return parts.join(' · ');
}

/** The line of one step: what is being done, a changing detail, and the time it has taken. */
export class Progress {
  #stream;
  #title;
  #detail = '';
  #started = performance.now();
  #lastPrinted;
  #timer;

  constructor(title, stream = process.stdout) {
    this.#title = title;
    this.#stream = stream;
    this.#lastPrinted = this.#started;
    if (stream.isTTY) {
      this.#draw();
      this.#timer = setInterval(() => this.#draw(), 200);
      this.#timer.unref();
    } else {
      stream.write(`  ${title} …\n`);
    }
  }

  update(detail) {
    this.#detail = detail;
    if (this.#stream.isTTY || performance.now() - this.#lastPrinted < 5000) return;
    this.#lastPrinted = performance.now();
    this.#stream.write(`  ${this.#title} · ${detail} · ${this.#elapsed()}\n`);
  }

  /** Ends the line with what was done. */
  done(summary = '') {
    this.#close();
    const text = [this.#title, summary, this.#elapsed()].filter(Boolean).join(' · ');
    this.#stream.write(`✔ ${text}\n`);
  }

  failed() {
    this.#close();
    this.#stream.write(`✘ ${this.#title} · ${this.#elapsed()}\n`);
  }

  #elapsed() {
    return formatSeconds((performance.now() - this.#started) / 1000);
  }

  #draw() {
    const text = [this.#title, this.#detail, this.#elapsed()].filter(Boolean).join(' · ');
    const width = (this.#stream.columns ?? 80) - 3;
    this.#stream.write(`\r\x1b[2K  ${text.slice(0, width)}`);
  }

  #close() {
    clearInterval(this.#timer);
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }
}
