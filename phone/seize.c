/* seize.c - a shared line that a call seized and does not take is given back. */
#include "phone/seize.h"

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

static void write_release(const struct phone_ask *ask, struct sip_builder *builder)
{
	const struct phone_dialog *dialog = ask->dialog;
	struct phone_self self = {.transport = KL_UDP};

	phone_self_toward(dialog->phone, &dialog->hop.route, &self);
	phone_write_self(builder, dialog->account, &self);
	sip_builder_header(builder, "Event", "line-seize");
	sip_builder_header(builder, "Expires", "0");
}

/* Whatever the answer is, the server forgets the seize in time. */
static void take_release_end(struct phone_ask *ask, const struct phone_ask_end *end)
{
	(void)end;
	phone_dialog_end(ask->dialog);
}

static const struct phone_ask_kind release_kind = {SIP_SUBSCRIBE, write_release, take_release_end};

/* Is there something to give back?  Without a 2xx there is nothing yet. */
static bool is_held(const struct phone_subscription *seize)
{
	return seize->dialog && seize->binding.route.port &&
	       seize->notified_state != KL_NOTIFIED_TERMINATED &&
	       net_now_ms() < seize->runs_out_at_ms;
}

/* The subscription itself stays for the NOTIFY that ends it. */
static void release(const struct phone_subscription *seize)
{
	struct phone *phone = seize->phone;
	struct kl_binding binding = seize->binding;
	struct phone_dialog *dialog;

	binding.line = seize->line;
	dialog = phone_dialog_adopt(phone, &binding, seize->dialog);
	if (!dialog)
		return;
	if (dialog->sip.local_cseq < seize->cseq)
		dialog->sip.local_cseq = seize->cseq;
	if (phone_dialog_may_signal(dialog) && phone_ask_new(dialog, &release_kind, NULL))
		phone_dialog_send_owed(dialog);
	else
		phone_dialog_end(dialog);
}

void phone_seize_release(struct phone *phone, uint64_t call_id)
{
	struct phone_subscription *seize = phone_subscription_find(phone, call_id, true);

	if (!seize)
		return;
	seize->unasked = true;
	if (is_held(seize))
		release(seize);
}

void phone_seize_take_late(const struct phone_client *client, const struct sip_message *response)
{
	struct phone_subscription *seize =
		phone_subscription_find(client->phone, client->token, true);

	if (response->status / 100 == 2 && seize && seize->unasked &&
	    phone_subscription_accept(seize, &client->hop, &client->request, response))
		phone_seize_release(client->phone, client->token);
}
