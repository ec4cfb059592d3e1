/* stream_ends.c - streams that end as it is wanted, or because it is found that they have to. */
#include "phone/stream_private.h"

void phone_streams_drop(struct phone_streams *pool, const struct kl_route *route)
{
	struct stream *stream;

	while ((stream = phone_stream_next(pool, route, NULL)))
		phone_stream_free(stream);
}

void phone_streams_end_own(struct phone_streams *pool, const struct phone_hop *hop)
{
	struct stream *stream = phone_stream_find(pool, hop);

	if (stream && stream->own)
		phone_stream_free(stream);
}

/* What comes of the end of one may open others, or end them. */
static void lose_doomed(struct phone_streams *pool, enum kl_fault fault, const char *why)
{
	struct stream *stream = LIST_FIRST(&pool->all);

	while (stream) {
		if (!stream->doomed) {
			stream = LIST_NEXT(stream, others);
			continue;
		}
		phone_stream_lose(stream, fault, why);
		stream = LIST_FIRST(&pool->all);
	}
}

void phone_streams_lose(struct phone_streams *pool, const struct phone_stream_end *end)
{
	struct stream *stream = NULL;

	while ((stream = phone_stream_next(pool, &end->route, stream)))
		stream->doomed = true;
	lose_doomed(pool, end->fault, end->why);
}

/* Thousands of streams leave from one address: it is asked for once in a row of them. */
bool phone_streams_mark_stranded(struct phone_streams *pool)
{
	struct net_address asked = {.port = 0};
	bool here = true, found = false;
	struct stream *stream;

	LIST_FOREACH(stream, &pool->all, others)
	{
		struct net_address local = net_stream_local(stream->net);

		local.port = 0;
		if (net_address_compare(&local, &asked) != 0)
			here = net_address_is_here(&local);
		asked = local;
		stream->doomed = !here;
		found |= !here;
	}
	return found;
}

void phone_streams_lose_stranded(struct phone_streams *pool)
{
	lose_doomed(pool, KL_FAULT_STREAM_LOST, "this machine has its address no more");
}
