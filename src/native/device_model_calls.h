/* What a device does to the guest besides answering: interrupts, and the report of memory that it has written. */
#ifndef IOREQLAB_DEVICE_MODEL_CALLS_H
#define IOREQLAB_DEVICE_MODEL_CALLS_H

#include <node_api.h>

napi_value allow_isa_interrupts(napi_env env, napi_callback_info info);
napi_value has_isa_interrupts(napi_env env, napi_callback_info info);
napi_value set_isa_irq_level(napi_env env, napi_callback_info info);
napi_value set_pci_intx_level(napi_env env, napi_callback_info info);
napi_value set_pci_link_route(napi_env env, napi_callback_info info);
napi_value inject_msi(napi_env env, napi_callback_info info);
napi_value inject_event(napi_env env, napi_callback_info info);
napi_value modified_memory(napi_env env, napi_callback_info info);

#endif
