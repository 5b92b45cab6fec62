import { expect, it } from 'vitest';
import { parsePerturbation } from './perturb.ts';

it('is nothing unless it is said', () => {
  expect(parsePerturbation(undefined)).toEqual({ turns: 0, scans: 0 });
  expect(parsePerturbation('')).toEqual({ turns: 0, scans: 0 });
});

it('names what is slower, and by how much', () => {
  expect(parsePerturbation('turns=100')).toEqual({ turns: 100, scans: 0 });
  expect(parsePerturbation('scans=1,turns=5')).toEqual({ turns: 5, scans: 1 });
});

it.each(['turns', 'turns=x', 'turns=-1', 'scans=1001', 'other=1'])('refuses %s', (text) => {
  expect(() => parsePerturbation(text)).toThrow('IOREQLAB_PERTURB');
});
