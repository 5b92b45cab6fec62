import { describe, expect, it } from 'vitest';
import { modelHostNamed, modelHosts } from './model-host.ts';

describe('models as hosts', () => {
  it('are named by their version, the default one also without', () => {
    expect(modelHostNamed('model-4.17')).toEqual({ name: 'model-4.17', kind: 'model', timing: 'none', xen: '4.17' });
    expect(modelHostNamed('model')).toBe(modelHosts[0]);
    expect(modelHostNamed('lab1')).toBeUndefined();
    expect(modelHostNamed('model-railway')).toBeUndefined();
  });

  it('are told when there is none of a version', () => {
    expect(() => modelHostNamed('model-4.2')).toThrow(
      expect.objectContaining({
        ...{ blame: 'usage', code: 'XEN_UNKNOWN' },
        message: 'there is no model-4.2; there are: model-4.20, model-4.17, model-4.14',
      }) as Error,
    );
  });
});
