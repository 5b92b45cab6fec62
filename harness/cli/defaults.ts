import { repository } from '../repository.ts';

/** Where runs go, unless told otherwise. */
export const defaultRoot: string = `${repository}/results/runs`;
/** Where scenarios are, unless told otherwise. */
export const defaultScenarios: string = `${repository}/scenarios`;
