// A WebSocket for signed-in users, with the access token in the URL. A browser
// cannot send an Authorization header with a handshake, so verify_jwt is false
// for this function and it asks Auth itself. URLs end up in logs: where that
// matters, see websocket-auth-protocol.
//
//   brink ws "ws://127.0.0.1:54321/functions/v1/websocket-auth-query?jwt=$(brink token --email ada@example.com)"

import { createClient } from "@supabase/supabase-js";

const supabase = createClient(Deno.env.get("SUPABASE_URL")!, Deno.env.get("SUPABASE_ANON_KEY")!, {
  auth: { persistSession: false, autoRefreshToken: false },
});

Deno.serve(async (req) => {
  if (req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("connect with a WebSocket client\n", {
      status: 426,
      headers: { Upgrade: "websocket" },
    });
  }
  const jwt = new URL(req.url).searchParams.get("jwt");
  if (!jwt) return new Response("no token: add ?jwt=… to the URL\n", { status: 401 });
  const { data, error } = await supabase.auth.getUser(jwt);
  if (error || !data.user) {
    return new Response(`token refused: ${error?.message ?? "it names no user"}\n`, { status: 401 });
  }

  const { user } = data;
  const { socket, response } = Deno.upgradeWebSocket(req);
  socket.onopen = () => socket.send(`welcome, ${user.email ?? user.id}`);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
