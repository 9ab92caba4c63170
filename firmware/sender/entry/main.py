from firmware.sender.main import main

main()
