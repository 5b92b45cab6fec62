/** Indices of HVM parameters, of Xen's public/hvm/params.h. */
export const hvmParam = {
  /** Frame of the synchronous ioreq page. */
  ioreqPfn: 5,
  /** Frame of the buffered ioreq page. */
  bufioreqPfn: 6,
  /** The domain that emulates. */
  dmDomain: 13,
  /** The port on the guest's side of the buffered page's event channel. */
  bufioreqEvtchn: 26,
} as const;

/** Stands for the caller's own domain id: of Xen's public/xen.h. */
export const domidSelf = 0x7ff0;
