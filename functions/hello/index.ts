// The smallest function: JSON in, JSON out.
//
//   curl http://127.0.0.1:54321/functions/v1/hello
//   curl http://127.0.0.1:54321/functions/v1/hello --json '{"name":"Ada"}'

const headers = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "authorization, x-client-info, apikey, content-type",
};

Deno.serve(async (req) => {
  if (req.method === "OPTIONS") return new Response(null, { status: 204, headers });
  let name = "world";
  if (req.method === "POST") {
    const body = await req.json().catch(() => null);
    if (typeof body?.name !== "string") {
      return Response.json({ error: 'send JSON with a name: {"name":"Ada"}' }, { status: 400, headers });
    }
    name = body.name;
  }
  return Response.json({ message: `Hello, ${name}!` }, { headers });
});
