/* network.h - this side's own network: its link and its address. */
#ifndef ENGINE_NETWORK_H
#define ENGINE_NETWORK_H

#include "engine/state.h"

/* KL_EV_LINK_DOWN, KL_EV_LINK_UP, KL_EV_ADDRESS_CHANGED.  Each is one event for all lines. */
int network_link_down(struct kl_engine *e);
int network_link_up(struct kl_engine *e);
int network_address_changed(struct kl_engine *e);

/* A late 2xx to a REGISTER sent so far is not worth having any more (TIME-9). */
void network_forget_transactions(struct kl_engine *e);

#endif
