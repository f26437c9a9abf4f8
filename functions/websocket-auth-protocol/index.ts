// A WebSocket for signed-in users, with the access token among the subprotocols,
// where it stays out of URLs and logs. The browser offers two,
//
//   new WebSocket(url, ["chat", `jwt-${session.access_token}`])
//
// and the function takes "chat". One of those offered has to be taken, or the
// browser gives up; offered alone, the token is sent back.
//
//   brink ws --protocol chat --protocol "jwt-$(brink token --email ada@example.com)" ws://127.0.0.1:54321/functions/v1/websocket-auth-protocol

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
  const offered = req.headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
  const token = offered.find((name) => name.startsWith("jwt-"));
  if (!token) return new Response("no token: offer the subprotocol jwt-…\n", { status: 401 });
  const { data, error } = await supabase.auth.getUser(token.slice("jwt-".length));
  if (error || !data.user) {
    return new Response(`token refused: ${error?.message ?? "it names no user"}\n`, { status: 401 });
  }

  const { user } = data;
  const { socket, response } = Deno.upgradeWebSocket(req, {
    protocol: offered.includes("chat") ? "chat" : token,
  });
  socket.onopen = () => socket.send(`welcome, ${user.email ?? user.id}`);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
