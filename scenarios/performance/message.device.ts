import { defineDevice, port } from 'ioreqlab/device';

/** A port: what is written to it is sent as a message-signalled interrupt to the local APIC 0. */
export default defineDevice({
  name: 'performance-message',
  regions: { data: port({ size: 4, widths: [4] }) },
  create(_options, { interrupts }) {
    return {
      data: {
        read: () => 0,
        write: (_offset, _size, data) => void interrupts.sendMsi(0xfee0_0000, data),
      },
    };
  },
});
