// Many published JavaScript clients, unmodified, each in one channel. The first order on stdin says who they are; what
// they are told goes to stdout, one JSON object a line, with the number of the client.
import { createInterface } from 'node:readline';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const join = ({ url, token, channel }, number) => {
  const client = new Centrifuge(url, { websocket: WebSocket, token, minReconnectDelay: 20, maxReconnectDelay: 200 });
  const subscription = client.newSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 200 });
  client.on('disconnected', (context) => say('ended', { number, code: context.code }));
  subscription.on('unsubscribed', (context) => say('ended', { number, code: context.code }));
  subscription.on('subscribed', (context) => say('subscribed', {
    number,
    offset: context.streamPosition.offset,
    wasRecovering: context.wasRecovering,
    recovered: context.recovered,
  }));
  subscription.on('publication', ({ offset, data }) => say('publication', {
    number,
    offset,
    data: { type: data.type, message: { id: data.message?.id, seq: data.message?.seq } },
  }));
  subscription.subscribe();
  client.connect();
};

createInterface({ input: process.stdin })
  .on('line', (line) => JSON.parse(line).clients.forEach(join))
  .on('close', () => process.exit(0));
say('ready');
