import { defineDevice, port } from 'ioreqlab/device';

/** A register whose handlers throw while it holds 13. */
export default defineDevice({
  name: 'moody',
  regions: { mood: port({ size: 4 }), other: port({ size: 4 }) },
  create() {
    let mood = 0;
    return {
      mood: {
        read: () => {
          if (mood === 13) throw new Error('a bad mood');
          return mood;
        },
        write: (_offset, _size, value) => void (mood = value),
      },
      other: { read: () => 0x600d },
    };
  },
});
