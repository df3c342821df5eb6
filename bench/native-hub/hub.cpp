// A relay in C++ on uWebSockets: how fast the seed protocol can be when nothing is kept, checked or promised.
// It trusts its input (frames of the load generator, one field after another) and has no buffer for absent bots.
//
//   native-hub --config FILE
//
// It prints `listening ws://127.0.0.1:PORT` once it accepts.

#include <App.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace {

struct Connection {
  std::string bot;
  std::unordered_set<std::string> rooms;
};

using App = uWS::App;
using Socket = uWS::WebSocket<false, true, Connection>;

std::unordered_map<std::string, std::string> bots_by_token;
std::unordered_map<std::string, std::unordered_set<std::string>> members;
App *running = nullptr;

// The raw value of a string field, escapes and all: what is relayed needs no decoding.
std::string_view field(std::string_view frame, std::string_view key) {
  const auto at = frame.find(key);
  if (at == std::string_view::npos) return {};
  const auto start = at + key.size();
  for (auto end = frame.find('"', start); end != std::string_view::npos; end = frame.find('"', end + 1)) {
    auto escapes = end;
    while (frame[escapes - 1] == '\\') --escapes;
    if ((end - escapes) % 2 == 0) return frame.substr(start, end - start);
  }
  return {};
}

// Every other string of `{"tokens":{"TOKEN":{"botId":"BOT"},…}}` in turn.
void load(const char *path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view key = "\":{\"botId\":\"";
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    const auto token = text.rfind('"', at - 1) + 1;
    const auto bot = at + key.size();
    bots_by_token[text.substr(token, at - token)] = text.substr(bot, text.find('"', bot) - bot);
  }
}

void reply(Socket *socket, std::string_view text) { socket->send(text, uWS::OpCode::TEXT); }

void authenticate(Socket *socket, std::string_view frame) {
  const auto bot = bots_by_token.find(std::string(field(frame, "\"token\":\"")));
  if (bot == bots_by_token.end()) {
    socket->end(4003, "not authenticated");
    return;
  }
  socket->getUserData()->bot = bot->second;
  reply(socket, R"({"type":"auth_ok"})");
}

void join(Socket *socket, std::string_view frame) {
  auto *connection = socket->getUserData();
  const std::string room(field(frame, "\"room\":\""));
  auto &present = members[room];
  std::string answer = R"({"type":"joined","room":")" + room + R"(","members":[)";
  const char *separator = "";
  for (const auto &bot : present) {
    if (bot == connection->bot) continue;
    answer.append(separator).append("\"").append(bot).append("\"");
    separator = ",";
  }
  present.insert(connection->bot);
  connection->rooms.insert(room);
  socket->subscribe(room);
  reply(socket, answer.append("]}"));
}

void message(Socket *socket, std::string_view frame) {
  static std::string out;
  const auto room = field(frame, "\"room\":\"");
  const auto text = field(frame, "\"text\":\"");
  out.assign(R"({"type":"message","room":")").append(room).append(R"(","from":")");
  out.append(socket->getUserData()->bot).append(R"(","text":")").append(text).append("\"}");
  socket->publish(room, out, uWS::OpCode::TEXT);
  // The sender is subscribed too.
  const auto delivered = running->numSubscribers(room) - 1;
  out.assign(R"({"type":"ack","room":")").append(room).append(R"(","delivered":)");
  out.append(std::to_string(delivered)).append("}");
  reply(socket, out);
}

void receive(Socket *socket, std::string_view frame, uWS::OpCode) {
  const auto type = field(frame, "\"type\":\"");
  if (socket->getUserData()->bot.empty()) authenticate(socket, frame);
  else if (type == "message") message(socket, frame);
  else if (type == "join") join(socket, frame);
  else reply(socket, R"({"type":"error","message":"unknown frame type"})");
}

void closed(Socket *socket, int, std::string_view) {
  auto *connection = socket->getUserData();
  for (const auto &room : connection->rooms) members[room].erase(connection->bot);
}

}  // namespace

int main(int count, char **arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--version") {
    std::puts("uWebSockets " UWEBSOCKETS_COMMIT);
    return 0;
  }
  if (count != 3 || std::string_view(arguments[1]) != "--config") {
    std::fprintf(stderr, "usage: native-hub --config FILE\n");
    return 2;
  }
  load(arguments[2]);
  std::signal(SIGTERM, [](int) { std::_Exit(0); });

  App::WebSocketBehavior<Connection> behaviour;
  behaviour.compression = uWS::DISABLED;
  behaviour.maxPayloadLength = 1024 * 1024;
  behaviour.maxBackpressure = 64 * 1024 * 1024;
  behaviour.idleTimeout = 120;
  behaviour.message = receive;
  behaviour.close = closed;

  App app;
  running = &app;
  app.ws<Connection>("/*", std::move(behaviour)).listen("127.0.0.1", 0, [](auto *socket) {
    if (socket == nullptr) std::exit(1);
    const int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(socket));
    std::printf("listening ws://127.0.0.1:%d\n", port);
    std::fflush(stdout);
  });
  app.run();
}
