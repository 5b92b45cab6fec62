import { defineDevice, port } from 'ioreqlab/device';

/** 257 ports apart from each other: one range more than Xen takes of one server. */
export default defineDevice({
  name: 'many',
  regions: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`port${i}`, port({ size: 1 })])),
  create: () => Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`port${i}`, { read: () => i & 0xff }])),
});
