import type { Fields } from './scheduler-classes';
import { isCount, number } from './scheduler-fields';

/** Fields of the samplers of distilled models, LCM and TCD. */
export interface ConsistencyFields {
  /** The steps of the teacher's sampler that the model was distilled with. */
  readonly originalInferenceSteps: number;
  /** By how much times are stretched in the boundary condition of LCM. */
  readonly timestepScaling: number;
}

/** Reads and checks them. */
export const consistencyFields = (fields: Fields): ConsistencyFields => ({
  originalInferenceSteps: number(fields, 'original_inference_steps', isCount, 'an integer > 0'),
  timestepScaling: number(fields, 'timestep_scaling', Number.isFinite, 'a number'),
});
