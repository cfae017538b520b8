/** What the kernel offers to every cell, without an import. */
import type { MemoryTable } from './memory-table';

declare global {
  /** Which variables hold how many tensors (ours and tfjs's) and MB, and what no variable holds. */
  function memory(): MemoryTable;
}
