import { changePoints } from '../stats/change-points.ts';
import type { Detect } from './trend.ts';

/** E-divisive and Student's t, with the thresholds of Apache Otava. */
export const detectChanges: Detect = (values) => changePoints(values).map(({ index }) => index);
