import type { HubOptions, OnProgress, TransferProgress } from '../hub';
import { formatBytes, formatDuration } from '../show/text';
import { type LineTarget, LiveLine } from './progress-line';

/** What a terminal shows of a download or an upload: one line with bytes, rate and time left. */
export class TransferLine {
  private readonly line: LiveLine;

  constructor(target: LineTarget = process.stderr) {
    this.line = new LiveLine(target);
  }

  /** Options that let the hub report here. */
  options(): Pick<HubOptions, 'onNote'> & { readonly onProgress: OnProgress } {
    return {
      onNote: (sentence) => this.line.note(sentence),
      onProgress: (progress) => this.update(progress),
    };
  }

  update(progress: TransferProgress): void {
    const { files, totalFiles, bytes, bytesPerSecond } = progress;
    const isDone = files === totalFiles;
    // What was in the cache already took no time, and needs no line.
    if (isDone && bytesPerSecond === 0) this.line.end();
    else if (bytes === 0 || bytesPerSecond > 0)
      this.line.show(() => transferText(progress), isDone ? 'last' : 'running');
  }

  /** Ends the line of a transfer that was cut short. */
  end(): void {
    this.line.end();
  }
}

export function transferText(progress: TransferProgress): string {
  const { direction, repo, bytes, totalBytes, files, totalFiles } = progress;
  const { bytesPerSecond, secondsLeft } = progress;
  return [
    `${direction === 'download' ? 'downloading' : 'uploading'} ${repo}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`,
    `file ${files} of ${totalFiles}`,
    ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...(secondsLeft === undefined || files === totalFiles
      ? []
      : [`${formatDuration(secondsLeft)} left`]),
  ].join(' · ');
}
