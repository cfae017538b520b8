/** What the kernel offers to every cell, without an import. */
import type { MemoryTable } from './memory-table';

declare global {
  /** Which variables hold how many tensors (ours and tfjs's) and MB, and what no variable holds. */
  function memory(): MemoryTable;
  /**
   * Shows again what a cell has shown, for a page that was loaded anew while it ran.
   * @param cell the number in its brackets @default the last before this one that showed anything
   */
  function outputs(cell?: number): void;
}
