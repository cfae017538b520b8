import { type SchedulerName, samplerNamed } from './scheduler-classes';
import type { SchedulerConfig } from './scheduler-config';

/**
 * The scheduler configuration that diffusers' `StableDiffusionPipeline` works with. It overrides
 * two fields of the folder's own: `steps_offset` becomes 1 and `clip_sample` false. Another
 * scheduler, put in its place by `from_config`, inherits that only for fields which the file states.
 */
export function pipelineScheduler(
  file: SchedulerConfig,
  scheduler?: SchedulerName,
): SchedulerConfig {
  const replaced =
    scheduler !== undefined && samplerNamed(scheduler) !== samplerNamed(file._class_name);
  if (!replaced) return { ...file, steps_offset: 1, clip_sample: false };
  return {
    ...file,
    ...('steps_offset' in file ? { steps_offset: 1 } : {}),
    ...(file.clip_sample === true ? { clip_sample: false } : {}),
  };
}
