/* call_media.c - descriptions and audio of calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

/* ---- audio ----------------------------------------------------------------------------------- */

static bool copy_text(const char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

bool phone_call_set_audio(struct phone_call *call, const struct phone_audio *audio)
{
	call->audio.tone_hz = audio->tone_hz;
	return copy_text(&call->audio.play, audio->play) &&
	       copy_text(&call->audio.record, audio->record);
}

void phone_call_close_media(struct phone_call *call)
{
	if (call->media)
		media_close(call->media);
	call->media = NULL;
	free((char *)(uintptr_t)call->audio.play);
	free((char *)(uintptr_t)call->audio.record);
}

static void take_event(void *user, const struct media_event *media)
{
	const struct phone_call *call = user;
	const char text[] = {'k', 'e', 'y', ' ', media->digit, '\0'};
	struct phone_call_event event = {
		.type = PHONE_CALL_DIGIT, .digit = media->digit, .text = text};

	if (media->kind == MEDIA_EVENT_DIGIT)
		phone_call_tell(call, &event);
}

/* Nothing is heard before there is a target.  A file that can't be had costs no call: it is silent,
 * or not kept. */
static void start_audio(const struct phone_call *call)
{
	const struct media_source source = {
		.kind = call->audio.play ? MEDIA_WAV : MEDIA_TONE,
		.hz = call->audio.tone_hz,
		.path = call->audio.play,
		.loops = true,
	};
	int error = 0;

	if (call->audio.play || call->audio.tone_hz)
		error = media_set_source(call->media, &source);
	if (error)
		phone_log(PHONE_LOG_WARNING, "nothing to play from %s: %s",
			  call->audio.play ? call->audio.play : "a tone", strerror(-error));
	error = call->audio.record ? media_record(call->media, call->audio.record) : 0;
	if (error)
		phone_log(PHONE_LOG_WARNING, "cannot record to %s: %s", call->audio.record,
			  strerror(-error));
}

int phone_call_open_media(struct phone_call *call, const struct net_address *local)
{
	const struct config_calls *settings = &call->phone->config->lines[call->line].calls;
	const struct media_config media = {
		.loop = call->phone->loop,
		.local = *local,
		.port_first = settings->audio_port_first,
		.port_last = settings->audio_port_last,
		.dscp = MEDIA_DSCP_VOICE,
		.trust = settings->symmetric_rtp ? MEDIA_TRUST_FIRST : MEDIA_TRUST_NEGOTIATED,
		.on_event = take_event,
		.user = call,
	};
	char host[NET_ADDRESS_TEXT_MAX];
	struct sip_offer_config offer = {.session_id = phone_draw() >> 1};
	int error;

	if (call->media)
		media_close(call->media);
	call->media = NULL;
	error = media_open(&call->media, &media);
	if (error)
		return error;
	start_audio(call);
	offer.address = phone_write_host(local, host);
	offer.port = media_port(call->media);
	return sip_offer_init(&call->offer, &offer) ? -EINVAL : 0;
}

int phone_call_send_digits(struct phone *phone, uint64_t id, const char *digits)
{
	const struct phone_call *call = phone_call_find(phone, id);

	if (!call || call->state != PHONE_CALL_STATE_UP || !call->media)
		return -ENOENT;
	return media_send_digits(call->media, digits);
}

/* ---- descriptions ---------------------------------------------------------------------------- */

int phone_call_describe(struct phone_call *call, const struct net_address *local)
{
	char text[SIP_OFFER_TEXT_MAX];
	struct net_address before;
	int error;

	if (call->media) {
		before = media_local(call->media);
		if (!memcmp(before.ip, local->ip, sizeof before.ip))
			return 0;
	}
	error = phone_call_open_media(call, local);
	if (error)
		return error;
	if (sip_offer_make(&call->offer, text, sizeof text) < 0)
		return -EINVAL;
	free(call->description);
	call->description = strdup(text);
	return call->description ? 0 : -ENOMEM;
}

/* A far end that answers without a description has no audio; the call is its user's to end. */
int phone_call_take_description(struct phone_call *call, struct phone_dialog *dialog,
				const struct sip_message *message)
{
	const struct sip_span description = phone_description(message);
	char peer[KL_TEXT_MAX];
	int error;

	if (!message->body.length) {
		if (message->status >= 200 && sip_offer_is_open(&dialog->offer))
			sip_offer_abandon(&dialog->offer);
		return SIP_EABSENT;
	}
	error = description.at ? sip_offer_take_answer(&dialog->offer, description)
			       : SIP_EUNSUPPORTED;
	if (error == SIP_ESTATE)
		return 0;
	if (error)
		phone_log(PHONE_LOG_NOTICE, "what %s answered about audio is of no use: %s",
			  phone_printable(sip_span_of(call->target), peer, sizeof peer),
			  sip_strerror(error));
	return error;
}

static enum media_codec codec_of(enum sip_sdp_codec codec)
{
	return codec == SIP_SDP_PCMA ? MEDIA_PCMA : MEDIA_PCMU;
}

static struct media_payloads payloads_of(const int numbers[SIP_SDP_OTHER])
{
	return (struct media_payloads){.pcmu = numbers[SIP_SDP_PCMU],
				       .pcma = numbers[SIP_SDP_PCMA],
				       .event = numbers[SIP_SDP_EVENT]};
}

static int set_target(struct media *media, const struct sip_media_target *agreed)
{
	struct media_target target = {
		.sends = agreed->direction == SIP_SDP_SENDRECV ||
			 agreed->direction == SIP_SDP_SENDONLY,
		.receives = agreed->direction == SIP_SDP_SENDRECV ||
			    agreed->direction == SIP_SDP_RECVONLY,
		.codec = codec_of(agreed->codec),
		.sent = payloads_of(agreed->sent),
		.received = payloads_of(agreed->received),
	};
	int error = net_address_parse(&target.rtp, agreed->address, agreed->port);

	if (error)
		return error;
	target.rtcp = target.rtp;
	target.rtcp.port = agreed->rtcp_port;
	return media_set_target(media, &target);
}

static void tell_held(struct phone_call *call, bool is_far_held)
{
	struct phone_call_event event = {
		.type = is_far_held ? PHONE_CALL_FAR_HELD : PHONE_CALL_FAR_RESUMED,
		.text = is_far_held ? "the far end holds the call" : "the far end is back",
	};

	if (call->is_far_held == is_far_held)
		return;
	call->is_far_held = is_far_held;
	phone_call_tell(call, &event);
}

void phone_call_apply(struct phone_call *call, const struct phone_dialog *dialog)
{
	const struct sip_media_target *agreed = sip_offer_target(&dialog->offer);
	int error;

	if (!call->media || !agreed)
		return;
	error = set_target(call->media, agreed);
	if (error) {
		phone_log(PHONE_LOG_WARNING, "no audio to %s: %s", agreed->address,
			  strerror(-error));
		media_clear_target(call->media);
	}
	if (call->state == PHONE_CALL_STATE_UP)
		tell_held(call, sip_offer_is_held(&dialog->offer));
}
