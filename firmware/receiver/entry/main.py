from firmware.receiver.main import main

main()
