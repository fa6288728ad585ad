// Node loads this at its start: the vendors' names lead to the server of the tests.
const tls = require("tls");

const hosts = process.env.REDIRECTED_HOSTS.split(",");
const { connect } = tls;

tls.connect = function (options, ...rest) {
  if (!hosts.includes(options.host) || Number(options.port) !== 443) {
    return connect.call(this, options, ...rest);
  }
  const here = { host: "127.0.0.1", port: Number(process.env.REDIRECTED_PORT) };
  return connect.call(this, { servername: options.host, ...options, ...here }, ...rest);
};
