// The published JavaScript client, unmodified. It reads orders from stdin and reports what it sees on stdout, both one
// JSON object a line, so that the test can publish, cut the connection and revoke at the right moment.
import { createInterface } from 'node:readline';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const say = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));
const [url, ...tokens] = process.argv.slice(2);
const client = new Centrifuge(url, {
  websocket: WebSocket,
  token: tokens.shift(),
  getToken: async () => {
    say('token_asked');
    return tokens.length > 1 ? tokens.shift() : tokens[0];
  },
  minReconnectDelay: 20,
  maxReconnectDelay: 100,
});

client.on('connected', (context) => say('connected', { client: context.client }));
client.on('connecting', (context) => say('connecting', { code: context.code }));
client.on('disconnected', (context) => say('disconnected', { code: context.code, reason: context.reason }));
client.on('error', (context) => say('error', { code: context.error.code }));
client.on('publication', (context) => say('own_publication', { channel: context.channel, data: context.data }));

const orders = {
  connect: () => client.connect(),
  subscribe: ({ channel }) => {
    const subscription = client.newSubscription(channel);
    subscription.on('subscribed', (context) =>
      say('subscribed', { wasRecovering: context.wasRecovering, recovered: context.recovered }));
    subscription.on('unsubscribed', (context) => say('unsubscribed', { code: context.code }));
    subscription.on('publication', (context) => say('publication', { data: context.data, offset: context.offset }));
    subscription.subscribe();
  },
  rpc: ({ method, data }) => client.rpc(method, data).then(
    (result) => say('rpc', { data: result.data }),
    (error) => say('rpc', { code: error.code, message: error.message })),
  disconnect: () => client.disconnect(),
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { order, ...fields } = JSON.parse(line);
    orders[order](fields);
  })
  .on('close', () => process.exit(0));
say('ready');
